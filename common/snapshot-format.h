/*
 * The snapshot, byte by byte: what the helper builds, the enforcer validates and libnss_rcpch maps.
 *
 * One file, immutable but for one word, replaced by rename. All numbers are little-endian and
 * unsigned. Offsets are 32 bits wide and count from the beginning of the file. Tables begin at
 * multiples of 8; the file's size is a multiple of 32, padded with zeros.
 *
 *   header   SnapshotHeader, 128 bytes
 *   users    SnapshotSlot[user_count]: uid, strictly ascending, and where the user's record is
 *   groups   SnapshotGroupRow[group_count], gid strictly ascending; directory groups and one
 *            private group per user, of the user's name and number and without members
 *   indexes  four tables of SnapshotSlot: name → user, uid → user, name → group, gid → group
 *   records  SnapshotUserRecord and, without a gap, name, full name, home and shell, each with its
 *            NUL, so that a look-up touches one place and copies once; at multiples of 32
 *   lists    u32 arrays: supplementary gids of a user, or string offsets of a group's members
 *   strings  u16 size, `size` bytes, NUL. The NUL is not counted. A record ends in the size of its
 *            name, so that the name is such a string, too
 *
 * Enumeration goes by number, ascending, which is the order of the rows. So a reader whose file
 * is replaced half-way goes on behind the last number it returned, and skips nobody who stayed.
 *
 * Hash index: open addressing with linear probing over a power of two of slots, at least twice
 * as many as rows. A look-up begins at snapshot_slot_of(key) and ends at an empty slot, or after
 * SNAPSHOT_PROBE_MAX slots: nothing is farther from its first slot. The key of a name is
 * snapshot_name_key(), the key of a number is the number. The slot of a user leads to its record,
 * the slot of a group to its row.
 *
 * The checksum finds torn and rotten files, once per mapping. It is no signature: who may write
 * the file is root's business, and the reader checks that root owns it.
 */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SNAPSHOT_MAGIC     {'R', 'C', 'P', 'C', 'H', 'N', 'S', 'S'}
#define SNAPSHOT_VERSION   2u
#define SNAPSHOT_ALIGN     32u
#define SNAPSHOT_PROBE_MAX 128u

typedef struct SnapshotTable {
    uint32_t count;  /* rows, or slots of an index */
    uint32_t offset;
} SnapshotTable;

typedef struct SnapshotHeader {
    uint8_t magic[8];
    uint32_t version;
    uint32_t superseded;     /* the only word that changes: not 0 once there is a newer file */
    uint64_t file_size;
    uint64_t checksum;       /* snapshot_checksum() of all bytes from `generation` to the end */
    uint64_t generation;     /* grows with every publication */
    uint64_t seed;           /* of the hash, chosen by the builder */
    SnapshotTable users;
    SnapshotTable groups;
    SnapshotTable user_names;  /* indexes */
    SnapshotTable user_ids;
    SnapshotTable group_names;
    SnapshotTable group_ids;
    uint8_t reserved[32];    /* 0 */
} SnapshotHeader;

/* The user's gid is the uid. */
typedef struct SnapshotUserRecord {
    uint32_t uid;
    uint32_t gids;           /* offset of a list of supplementary gids, without the private one */
    uint32_t gid_count;
    uint16_t gecos_size;     /* without the NULs */
    uint16_t home_size;
    uint16_t shell_size;
    uint16_t name_size;
} SnapshotUserRecord;        /* then name, full name, home, shell */

#define SNAPSHOT_GROUP_PRIVATE 1u

typedef struct SnapshotGroupRow {
    uint32_t gid;
    uint32_t name;           /* offset of a string */
    uint32_t members;        /* offset of a list of string offsets */
    uint32_t member_count;
    uint32_t flags;          /* SNAPSHOT_GROUP_PRIVATE */
    uint32_t reserved;       /* 0 */
} SnapshotGroupRow;

typedef struct SnapshotSlot {
    uint32_t key;
    uint32_t place;          /* of a user: the record's offset; of a group: row + 1; 0 = empty */
} SnapshotSlot;

_Static_assert(sizeof(SnapshotHeader) == 128, "header is 128 bytes");
_Static_assert(offsetof(SnapshotHeader, superseded) == 12, "superseded is at 12");
_Static_assert(offsetof(SnapshotHeader, generation) == 32, "the checksum covers 32 to the end");
_Static_assert(sizeof(SnapshotUserRecord) == 20, "user record is 20 bytes and the texts");
_Static_assert(offsetof(SnapshotUserRecord, name_size) == 18, "the name is a string");
_Static_assert(sizeof(SnapshotGroupRow) == 24, "group row is 24 bytes");
_Static_assert(sizeof(SnapshotSlot) == 8, "slot is 8 bytes");

/* Reads a little-endian number at any alignment. */
static inline uint16_t snapshot_get16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof(value));
    return le16toh(value);
}

static inline uint32_t snapshot_get32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof(value));
    return le32toh(value);
}

static inline uint64_t snapshot_get64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return le64toh(value);
}

static inline uint64_t snapshot_mix(uint64_t word)
{
    word *= UINT64_C(0x9e3779b97f4a7c15);
    return word ^ word >> 32;
}

/* The last 8 bytes of a text, of a shorter one all of them, filled up with zeros. */
static inline uint64_t snapshot_last_word(const uint8_t *bytes, size_t size)
{
    uint64_t last = 0;

    if (size >= 8)
        return snapshot_get64(bytes + size - 8);
    for (size_t i = 0; i < size; i++)
        last |= (uint64_t)bytes[i] << 8 * i;
    return last;
}

/* The key of a name: its whole 8-byte words and its last word, xored into the sum and mixed one
 * after the other, begun with seed and size; of the sum the upper half. The seed keeps people who
 * choose their own account names from lining up in one run of slots. */
static inline uint32_t snapshot_name_key(const char *name, size_t size, uint64_t seed)
{
    const uint8_t *bytes = (const uint8_t *)name;
    uint64_t hash = seed ^ size;

    for (size_t i = 0; i + 8 < size; i += 8)
        hash = snapshot_mix(hash ^ snapshot_get64(bytes + i));
    return (uint32_t)(snapshot_mix(hash ^ snapshot_last_word(bytes, size)) >> 32);
}

/* The first slot of a key in an index of `slots` (a power of two) slots. */
static inline uint32_t snapshot_slot_of(uint32_t key, uint64_t seed, uint32_t slots)
{
    uint64_t mixed = (uint64_t)(key ^ (uint32_t)seed) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & (slots - 1);
}

/* Four interleaved lanes of xor, multiply, rotate over 8-byte words. Each step can be undone, so a
 * change within one word always changes the sum. `size` is a multiple of 32. */
static inline uint64_t snapshot_checksum(const uint8_t *bytes, size_t size)
{
    uint64_t lane[4] = {1, 2, 3, 4}, sum = 0;

    for (size_t i = 0; i < size; i += 32) {
        for (size_t k = 0; k < 4; k++) {
            uint64_t mixed = (lane[k] ^ snapshot_get64(bytes + i + 8 * k)) *
                             UINT64_C(0x9e3779b97f4a7c15);

            lane[k] = mixed << 29 | mixed >> 35;
        }
    }
    for (size_t k = 0; k < 4; k++)
        sum = (sum ^ lane[k]) * UINT64_C(0xd6e8feb86659fd93);
    return sum ^ sum >> 32;
}
