/* Seeds for fuzz-identity. */
#include "tests/fuzz/seeds.h"

#define HEAD                                                                                       \
    "{\"format\": \"rcpch-identity\", \"version\": 1,"                                           \
    "\"range\": {\"base\": 1879048192,"                                                            \
    " \"count\": 268304384}, \"numbers\": ["

static const char *const texts[] = {
    HEAD "]}",
    HEAD "{\"kind\": \"user\", \"issuer\": \"https://i\", \"id\": \"t/o\", \"name\": \"a@b.org\","
         " \"number\": 1879048193}]}",
    HEAD "{\"kind\": \"user\", \"issuer\": \"https://i\", \"name\": \"a@b.org\", \"number\": 2},"
         "{\"kind\": \"group\", \"issuer\": \"https://i\", \"id\": \"g\", \"number\": 3},"
         "{\"kind\": \"group\", \"issuer\": \"https://i\", \"role\": \"R\", \"number\": 4}]}",
    HEAD "{\"kind\": \"user\", \"issuer\": \"i\", \"id\": \"a\", \"number\": 2},"
         "{\"kind\": \"user\", \"issuer\": \"i\", \"id\": \"a\", \"number\": 3}]}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
