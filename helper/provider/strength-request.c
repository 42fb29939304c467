/*
 * Requests for strength. See strength-request.h.
 */
#include "helper/provider/strength-request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "helper/base/form.h"
#include "helper/provider/provider-type.h"
#include "helper/token/strength.h"

/* Methods (amr) cannot be asked for. */
static int join_classes(char *const *wanted, char **ret_text)
{
    _cleanup_buffer_ Buffer out = BUFFER_INIT(STRENGTH_REQUEST_MAX);
    int r = 0;

    for (size_t i = 0; r >= 0 && wanted[i]; i++) {
        if (strength_method_of(wanted[i]))
            continue;
        if (out.size > 0)
            r = buffer_add_text(&out, " ");
        if (r >= 0)
            r = buffer_add_text(&out, wanted[i]);
    }
    if (r < 0 || out.size == 0) /* too long: config-check.c has refused it */
        return r == -ENOMEM ? r : 0;
    *ret_text = strndup(out.data, out.size);
    return *ret_text ? 0 : -ENOMEM;
}

/* One context only: of a list Entra might want all. */
static int compose_claims(const char *context, char **ret_text)
{
    if (!strength_is_context(context))
        return 0;
    if (asprintf(ret_text, "{\"id_token\":{\"acrs\":{\"essential\":true,\"value\":\"%s\"}}}",
                 context) < 0) {
        *ret_text = NULL;
        return -ENOMEM;
    }
    return 0;
}

int strength_request_init(const ServiceConfig *service, ProviderType type,
                          StrengthRequest *ret_request)
{
    char *const *wanted = service ? strength_wanted(service, type) : NULL;

    *ret_request = (StrengthRequest){0};
    if (!wanted)
        return 0;
    return provider_traits(type)->names_contexts
               ? compose_claims(wanted[0], &ret_request->claims)
               : join_classes(wanted, &ret_request->acr_values);
}

void strength_request_clear(StrengthRequest *request)
{
    free(request->acr_values);
    free(request->claims);
    *request = (StrengthRequest){0};
}

int strength_request_add(const StrengthRequest *request, Buffer *form)
{
    int r = form_add(form, "acr_values", request->acr_values);

    return r == 0 ? form_add(form, "claims", request->claims) : r;
}
