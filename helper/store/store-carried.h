/*
 * Numbers that were carried here from another host before their person was seen (design §4). Each
 * also stands among the numbers that are taken, so that nobody else gets it.
 */
#pragma once

#include "helper/store/store.h"

typedef struct CarriedNumber {
    uint32_t number;
    char *issuer;
    char *id;   /* immutable id, or NULL */
    char *name; /* alice@rcpch.ac.uk, or NULL; one of the two is there */
} CarriedNumber;

void carried_number_clear(CarriedNumber *carried);
#define _cleanup_carried_ _cleanup_(carried_number_clear)

/* -EEXIST when the number is taken, or the id has one already. */
int store_carried_put(Store *store, const CarriedNumber *carried);

/* Takes back what nobody has come for. */
int store_carried_drop(Store *store, uint32_t number);

/* The person came: the number is `owner`'s for good. */
int store_carried_claim(Store *store, uint32_t number, const char *owner);

/* By id where `id` is given and known, else by name. A name says nothing of somebody with another
 * id, nor where two of that name were carried. -ENOENT: there is none. */
int store_carried_find(Store *store, const char *issuer, const char *id, const char *name,
                       CarriedNumber *ret_carried);

/* In the order of numbers. The row is borrowed. */
typedef int (*StoreCarriedHandler)(const CarriedNumber *carried, void *userdata);
int store_carried_each(Store *store, StoreCarriedHandler handler, void *userdata);
