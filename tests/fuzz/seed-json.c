/* Seeds for fuzz-json. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "{}",
    "{\"a\":[1,-2.5e3,null,true,false,{\"b\":\"\\u00e9\\n\\\\\"}],\"\":9007199254740992}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
    "{\"a\":\"\\u0000\",\"b\":1e999,\"c\":9007199254740993}",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
