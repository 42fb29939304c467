/* Seeds for fuzz-code-answer. */
#include "tests/fuzz/seeds.h"

#define STATE "state=AAAAAAAAAAAAAAAAAAAAAA"

static const char *const texts[] = {
    "http://localhost/?code=abc&" STATE,
    "http://localhost/?code=0.AX%2bA%2F_-~&" STATE "&session_state=1#",
    "http://localhost/?" STATE "&code=abc&iss=https%3A%2F%2Flogin.rcpch.test",
    "localhost/?error=access_denied&error_description=no%0a&" STATE,
    "http://localhost/?code=abc&sta\nte=AAAAAAAAAAA\nAAAAAAAAAAA\n",
    "http://localhost/?code=abc\nhttp://localhost/?code=abc&" STATE,
    "http://localhost/?code=abc&" STATE "&iss=https%3A%2F%2Fevil.test",
    "http://localhost/?code=%&" STATE "%4",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
