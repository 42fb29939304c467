/*
 * Decisions. See decision.h.
 */
#include "pam_rcpch/decision.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

void decision_set(Decision *decision, uint32_t outcome, const char *text)
{
    decision->outcome = outcome_from_number(outcome);
    if (decision->outcome == OUTCOME_NOT_OURS) {
        decision->outcome = OUTCOME_INTERNAL;
        snprintf(decision->detail, sizeof(decision->detail),
                 "the helper does not know an account that the snapshot lists");
        text = NULL;
    }
    text_clean(text, true, decision->text, sizeof(decision->text));
}

void decision_unavailable(Decision *decision, const char *what, int error)
{
    const char *description = strerrordesc_np(-error);
    char clean[192];

    decision->outcome = OUTCOME_UNAVAILABLE;
    decision->text[0] = '\0';
    snprintf(decision->detail, sizeof(decision->detail), "%s: %s",
             text_clean(what, false, clean, sizeof(clean)),
             description ? description : "unknown error");
}

const char *decision_text(const Decision *decision)
{
    return decision->text[0] ? decision->text : outcome_to_text(decision->outcome);
}
