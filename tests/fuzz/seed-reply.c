/* Seeds for fuzz-reply. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "{\"token_type\":\"Bearer\",\"access_token\":\"a\",\"id_token\":\"i\",\"refresh_token\":\"r\"}",
    "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS50057: …\",\"error_codes\":[50057],"
    "\"suberror\":\"basic_action\",\"claims\":\"{}\"}",
    "{\"error\":\"invalid_grant\",\"error_codes\":[50196,700082,999999]}",
    "{\"error\":\"invalid_grant\",\"error_description\":\"User disabled\"}",
    "{\"error\":\"invalid_grant\",\"error_description\":\"Stale token\"}",
    "{\"error\":\"authorization_pending\",\"error_codes\":[70016]}",
    "{\"device_code\":\"dc\",\"user_code\":\"ABCD-EFGH\",\"verification_uri\":\"https://l.example/"
    "d\","
    "\"verification_uri_complete\":\"https://l.example/"
    "d?c=1\",\"expires_in\":\"900\",\"interval\":5}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
