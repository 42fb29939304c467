/*
 * Every maximum of every input, in one place.
 *
 * A reader of hostile or merely broken bytes compares against one of these before it allocates,
 * copies or loops. Units are in the name or the comment; no other file invents a bound.
 */
#pragma once

/* Names (design §4). */
#define NAME_SHORT_MAX          32u   /* bytes, NameFormat=short */
#define NAME_FULL_MAX           255u  /* bytes, NameFormat=full */
#define GECOS_MAX               255u
#define HOME_MAX                255u
#define SHELL_MAX               127u
#define GROUPS_PER_USER_MAX     1024u
#define ACCOUNTS_MAX            200000u
#define GROUPS_MAX              20000u

/* Identity numbers: unused by systemd's and shadow's ranges (design §4). */
#define UID_BASE_DEFAULT        1879048192u
#define UID_COUNT_DEFAULT       268304384u  /* 2^28 - 2^17 */

/* The snapshot file. */
#define SNAPSHOT_SIZE_MAX       (256u * 1024u * 1024u)

/* Login channel (common/channel.h). */
#define CHANNEL_TEXT_MAX        6000u  /* bytes of one step's text, QR code included */
#define CHANNEL_ANSWER_MAX      8192u  /* bytes of one answer (a pasted address or token) */

/* The browser method: the address that a person pastes back. */
#define PASTED_ADDRESS_MAX      16384u /* bytes, all pieces together */
#define PASTED_PIECES_MAX       64u    /* answers of one sign-in, mistakes included */
#define AUTHORIZATION_CODE_MAX  8192u  /* bytes of one code */
#define REDIRECT_URI_MAX        256u
#define MENU_ANSWERS_MAX        5u     /* wrong ones, where a provider is to be chosen */

/* Offline passphrases (helper/totp/enrolment-offline.c). */
#define OFFLINE_PASSPHRASE_MAX  200u   /* bytes; rcpchctl reads lines of 255 */
#define OFFLINE_PASSPHRASE_LEAST 8u    /* characters that OfflinePassphraseMin= may ask for */
#define OFFLINE_PASSPHRASE_DEFAULT 12u

/* Second factors that are imported (rcpchctl totp import). */
#define TOTP_IMPORT_FILE_MAX    (64u * 1024u) /* bytes */

/* Enforcer socket (common/enforcer-protocol.h). */
#define ENFORCER_MESSAGE_MAX    8192u
#define ENFORCER_QUEUE_MAX      8192u  /* requests that wait on one connection */
#define ENFORCER_TELL_MAX       400u   /* bytes of a line on a terminal */
#define ENFORCER_SURVIVORS_MAX  16u    /* survivors named in one reply */
#define ENFORCER_CALL_MS        100u   /* longest work of one call */
#define ENFORCER_SPARED_MAX     256u   /* processes that one request may name to be left alone */

/* Access log. */
#define RECORD_FIELD_MAX        1024u  /* bytes of one field's value */
#define RECORD_FIELDS_MAX       32u

/* D-Bus arguments. */
#define BUS_STRING_MAX          1024u  /* rhost, tty, ruser, service … */
#define BUS_CALL_TIMEOUT_MS     5000u

/* HTTP and tokens. */
#define LOGIN_REQUESTS_MAX      64u    /* of sign-ins at one provider at a time, some 80 kB each */
#define HTTP_BODY_MAX           (1024u * 1024u)
#define HTTP_HEADER_MAX         (64u * 1024u)
#define TOKEN_MAX               (64u * 1024u)  /* bytes of one compact JWT */
#define TOKEN_RESPONSE_MAX      (256u * 1024u)
#define JWKS_KEYS_MAX           1000u
#define JSON_DEPTH_MAX          32u
#define CLAIM_MAX               1024u  /* bytes of one string claim that is kept */
#define CLAIM_GROUPS_MAX        2000u
#define CLAIMS_COPIED_MAX       16u    /* claims that CopyClaims= may name */
#define CLAIM_COPIED_MAX        256u   /* bytes of one copied value */
#define STRENGTH_WORD_MAX       255u   /* bytes of one acr, method or authentication context */
#define STRENGTH_MAX            2048u  /* bytes of all that a sign-in says of its strength */
#define STRENGTH_REQUEST_MAX    1024u  /* bytes of what is asked of a sign-in */

/* Directories. */
#define HTTP_URL_MAX            8192u  /* bytes of an address; links to changes are long */
#define DIRECTORY_PAGE_MAX      2000u  /* people on one page */
#define KEYCLOAK_PAGE           500u   /* entries asked for at a time */
#define KEYCLOAK_PAGE_WHOLE     100u   /* the same, where each comes with its attributes */
#define DIRECTORY_PAGES_MAX     1000u  /* pages of one list */
#define DIRECTORY_INNER_MAX     1000u  /* groups inside one group, at any depth */
#define DIRECTORY_ROLL_MAX      (2u * ACCOUNTS_MAX) /* memberships of one round */
#define DIRECTORY_ID_MAX        128u   /* bytes of a person's or a group's id */
#define DIRECTORY_INSIDE_MAX    2000u  /* groups known to lie inside a group */
#define DIRECTORY_LISTS_MAX     20u    /* lists a round, where nothing says which group changed */
#define DIRECTORY_LOOKS_MAX     20u    /* people a round who are asked for their groups */
#define DIRECTORY_ASKED_MAX     100u   /* people a round who are asked for by id */
#define DIRECTORY_AWAY_MAX      2000u  /* members without an account who are remembered */
#define DIRECTORY_REFUSED_MAX   256u   /* people who cannot be added that are named in the log */
#define DIRECTORY_REFUSED_TEXT_MAX 448u /* bytes of the alarm about them, without its beginning */

/* Numbers carried from host to host (`rcpchctl identity`). */
#define IDENTITY_FILE_MAX       (8u * 1024u * 1024u) /* bytes */
#define IDENTITY_ROWS_MAX       20000u

/* Logins under way (defaults; configuration may lower them). */
#define LOGINS_PER_ACCOUNT_MAX  5u
#define LOGINS_PER_SOURCE_MAX   64u
#define LOGINS_MAX              256u
#define SESSIONS_MAX            4096u  /* open at a time; the unit's FileDescriptorStoreMax= */
#define SESSIONS_PER_ACCOUNT_MAX ENFORCER_SPARED_MAX /* each leader can be named in one request */
#define SIGN_INS_MAX            512u   /* admitted, and their sessions not open yet */
#define CALLERS_MAX             256u   /* users of this host whose calls are counted */
#define VERIFY_PENDING_MAX      32u    /* of VerifyToken, by one user that is not root */
#define VERIFY_CALLS_MAX        1024u  /* by everybody, root too: each has a descriptor */
#define VERIFY_ANSWER_MAX       (512u * 1024u) /* bytes of an answer: a token's claims, escaped */
#define VERIFY_WORDS_MAX        64u    /* scopes, and roles, that one call wants one of */
#define PRESENTED_MAX           128u   /* access tokens presented for a sudo that is to come */

/* Configuration. */
#define CONFIG_FILE_MAX         (1024u * 1024u)
#define CONFIG_LINE_MAX         4096u
#define CONFIG_FILES_MAX        256u   /* files in rcpch.conf.d */
#define CONFIG_LIST_MAX         4096u  /* entries of one list */
#define CONFIG_PROVIDERS_MAX    16u
#define CONFIG_SERVICES_MAX     256u
#define CONFIG_SECTIONS_MAX     10000u /* [user] sections */
#define CONFIG_MESSAGES_MAX     100u   /* complaints about one configuration */

/* What `rcpchctl doctor` reads of the host, and tests of a provider. */
#define HOST_FILE_MAX           (1024u * 1024u)  /* bytes of one file */
#define HOST_OUTPUT_MAX         (64u * 1024u)    /* bytes that one program says */
#define SSHD_MATCHES_MAX        32u    /* Match blocks about people of ours */
#define SSHD_FILES_MAX          256u   /* of sshd's configuration, with what they include */
#define PAM_LINES_MAX           256u   /* lines of one service, with what it includes */
#define PAM_INCLUDES_MAX        8u     /* files that include one another */
#define PROVIDER_TESTS_MAX      4u     /* under way at a time, of one provider */
#define PROVIDER_TEST_ROWS_MAX  32u
