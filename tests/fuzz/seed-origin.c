/* Seeds for fuzz-origin. */
#include "tests/fuzz/seeds.h"

static const char *const texts[] = {
    "10.0.0.0/8\n10.1.2.3\npublickey ssh-ed25519 AAAA\nkeyboard-interactive/pam\n",
    "::ffff:10.0.0.0/104\n::ffff:10.9.9.9\nkeyboard-interactive/pam\n",
    "fe80::/10\nfe80::1%eth0\ngssapi-with-mic alice@EXAMPLE\n",
    "local\n\npassword\n",
    "192.0.2.7\nhost.example.org\nhostbased ssh-rsa AAAA\n",
    "10.0.0.5/8\n10.0.0.5\n\n",
    "0.0.0.0/0\n2001:db8::1\npublickey,device x\n publickey\n",
};

int main(int argc, char **argv)
{
    return seeds_write(argc, argv, texts, ELEMENTSOF(texts));
}
