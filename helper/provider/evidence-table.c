/*
 * Looking up what directories, statuses and faults prove. See evidence-table.h; answers of token
 * endpoints are looked up by evidence.c.
 */
#include "helper/provider/evidence-table.h"

#include <string.h>

const EvidenceFact *evidence_fact(EvidenceSource source, EvidencePlace place, const char *name,
                                  const char *value)
{
    for (size_t i = 0; i < evidence_facts_count; i++) {
        const EvidenceFact *fact = &evidence_facts[i];
        if (fact->source == source && fact->place == place && fact->first == 0 &&
            strcmp(fact->name, name) == 0 && (!fact->value || strcmp(fact->value, value) == 0))
            return fact;
    }
    return NULL;
}

const EvidenceFact *evidence_fact_of_status(EvidenceSource source, EvidencePlace place,
                                            long http_status)
{
    for (size_t i = 0; i < evidence_facts_count; i++) {
        const EvidenceFact *fact = &evidence_facts[i];
        if (((fact->source == source && fact->place == place) ||
             fact->source == EVIDENCE_OF_HTTP) &&
            fact->first > 0 && http_status >= fact->first && http_status <= fact->last)
            return fact;
    }
    return NULL;
}
