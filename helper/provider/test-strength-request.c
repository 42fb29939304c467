/*
 * Tests of strength-request.c: what each type of provider is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "helper/base/form.h"
#include "helper/provider/strength-request.h"

#define TEXT(text) ((char *)(uintptr_t)(text))

static char *classes[] = {TEXT("urn:x:gold"), TEXT("amr:mfa"), TEXT("silver"), NULL};
static char *contexts[] = {TEXT("c2"), TEXT("c1"), NULL};
static const ServiceConfig both = {.require_acr = classes, .require_auth_context = contexts};

static void assert_asked(const ServiceConfig *service, ProviderType type, const char *form_text)
{
    _cleanup_buffer_ Buffer form = FORM_INIT;
    StrengthRequest request;

    assert_int_equal(strength_request_init(service, type, &request), 0);
    assert_int_equal(strength_request_add(&request, &form), 0);
    assert_string_equal(form.data ? form.data : "", form_text);
    strength_request_clear(&request);
    assert_null(request.acr_values);
    assert_null(request.claims);
}

static void test_each_type_as_it_takes_it(void **state)
{
    static const char acr[] = "acr_values=urn%3Ax%3Agold%20silver";
    static const char acrs[] = "claims=%7B%22id_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3A"
                               "true%2C%22value%22%3A%22c2%22%7D%7D%7D";

    assert_asked(&both, PROVIDER_GENERIC, acr);
    assert_asked(&both, PROVIDER_KEYCLOAK, acr);
    assert_asked(&both, PROVIDER_OKTA, acr);
    assert_asked(&both, PROVIDER_ENTRA_B2C, acr);
    assert_asked(&both, PROVIDER_ENTRA, acrs);
    assert_asked(&both, PROVIDER_ENTRA_EXTERNAL_ID, acrs);
}

static void test_nothing_to_ask_for(void **state)
{
    static char *methods[] = {TEXT("amr:mfa"), NULL};
    static char *nonsense[] = {TEXT("c1\"}},\"x\":{"), NULL};
    const ServiceConfig only_methods = {.require_acr = methods};
    const ServiceConfig hostile = {.require_auth_context = nonsense};
    const ServiceConfig nothing = {0};

    assert_asked(NULL, PROVIDER_GENERIC, "");
    assert_asked(&nothing, PROVIDER_ENTRA, "");
    assert_asked(&only_methods, PROVIDER_GENERIC, "");
    assert_asked(&only_methods, PROVIDER_ENTRA, "");
    assert_asked(&hostile, PROVIDER_ENTRA, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_as_it_takes_it),
        cmocka_unit_test(test_nothing_to_ask_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
