/*
 * The configuration: /etc/rcpch/rcpch.conf and rcpch.conf.d/ *.conf (design §7), read by inih
 * through one table of keys. Reading has no side effect: a reload builds a new Config beside the
 * old one.
 *
 * Sections: [provider NAME] [access] [group NAME] [user NAME] [service NAME] [identity]
 * [revocation] [totp] [token] [audit]
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/cleanup.h"
#include "helper/totp/totp.h"

typedef enum ProviderType {
    PROVIDER_GENERIC = 0, /* Type=generic */
    PROVIDER_ENTRA,       /* Type=entra */
    PROVIDER_KEYCLOAK,    /* Type=keycloak */
    PROVIDER_ENTRA_EXTERNAL_ID, /* Type=entra-external-id */
    PROVIDER_ENTRA_B2C,   /* Type=entra-b2c */
    PROVIDER_OKTA,        /* Type=okta */
    _PROVIDER_TYPE_COUNT,
} ProviderType;

typedef enum Cloud {
    CLOUD_PUBLIC = 0, /* Cloud=public */
    CLOUD_USGOV,      /* Cloud=usgov */
    CLOUD_CHINA,      /* Cloud=china */
    _CLOUD_COUNT,
} Cloud;

/* Directory=: who tells ahead of a sign-in who there is (directory-kind.h). */
typedef enum DirectoryType {
    DIRECTORY_NONE = 0,
    DIRECTORY_GRAPH, /* Directory=graph */
    DIRECTORY_KEYCLOAK, /* Directory=keycloak */
    DIRECTORY_SCIM,  /* Directory=scim */
    DIRECTORY_OKTA,  /* Directory=okta */
    _DIRECTORY_TYPE_COUNT,
} DirectoryType;

typedef enum Method {
    METHOD_DEVICE = 0, /* Methods=device */
    METHOD_BROWSER,    /* Methods=browser */
    METHOD_PASSWORD,   /* Methods=password */
    METHOD_BEARER,     /* Methods=bearer */
    _METHOD_COUNT,
    METHOD_OFFLINE = _METHOD_COUNT, /* nobody names it: while the provider cannot be reached */
} Method;

/* SecondFactor=: what is asked for beside a password. */
typedef enum SecondFactor {
    SECOND_FACTOR_TOTP = 0, /* a code of ours (helper/totp/) */
    SECOND_FACTOR_PROVIDER, /* a code that the provider checks */
    SECOND_FACTOR_NONE,
    _SECOND_FACTOR_COUNT,
} SecondFactor;

/* OfflineSecret=: what signs people in, beside a code, while the provider cannot be reached. */
typedef enum OfflineSecret {
    OFFLINE_SECRET_ANY = 0,
    OFFLINE_SECRET_PASSPHRASE,
    OFFLINE_SECRET_PASSWORD,
    OFFLINE_SECRET_NO,
    _OFFLINE_SECRET_COUNT,
} OfflineSecret;

typedef enum Prompt {
    PROMPT_DEFAULT = 0, /* Prompt=default, by the type */
    PROMPT_NO,
    PROMPT_CONSENT,
    PROMPT_LOGIN,
    PROMPT_SELECT_ACCOUNT,
    _PROMPT_COUNT,
} Prompt;

typedef enum NameFormat { NAME_FORMAT_SHORT = 0, NAME_FORMAT_FULL } NameFormat;
typedef enum FirstBind { FIRST_BIND_NO = 0, FIRST_BIND_USERNAME, FIRST_BIND_EMAIL } FirstBind;
typedef enum ShowQr { SHOW_QR_UTF8 = 0, SHOW_QR_ASCII, SHOW_QR_NO } ShowQr;
typedef enum Keys {
    KEYS_WITH_SIGN_IN = 0, /* Keys=with-signin */
    KEYS_DENY,             /* Keys=deny */
    KEYS_ALLOW,            /* Keys=allow */
    _KEYS_COUNT,
} Keys;
typedef enum UnknownNames { UNKNOWN_NAMES_HIDE = 0, UNKNOWN_NAMES_SHOW } UnknownNames;
typedef enum RequirePrior { REQUIRE_PRIOR_NO = 0, REQUIRE_PRIOR_PUBLICKEY } RequirePrior;
typedef enum OnRevoked { ON_REVOKED_END = 0, ON_REVOKED_KEEP, ON_REVOKED_GRACE } OnRevoked;

/* [provider NAME] */
typedef struct ProviderConfig {
    char *name;
    ProviderType type;
    Cloud cloud;             /* Cloud=, default: the one whose login host Issuer= names */
    char *issuer;            /* Issuer=, exact; default: made of Tenant= or OidcUrl= */
    char *oidc_url;          /* OidcUrl= of the metadata; NULL: where the type has them */
    char *device_endpoint;   /* DeviceEndpoint= TokenEndpoint= JwksUri= override discovery's */
    char *authorization_endpoint; /* AuthorizationEndpoint=, likewise */
    char *token_endpoint;
    char *jwks_uri;
    char *client_id;         /* ClientId= */
    char *client_secret_file;/* ClientSecretFile= root's or rcpch's; NULL = public client */
    char *scope;             /* Scope=, default "openid profile offline_access" */
    char *tenant;            /* Tenant= expected tid (Entra); default: from the issuer's path */
    char *policy;            /* Policy= of B2C */
    char **domains;          /* Domains= of the names this provider answers for; NULL-terminated */
    char *redirect_uri;      /* RedirectUri=, where the browser method ends */
    Prompt prompt;           /* Prompt= of the browser method (Core §3.1.2.1) */
    Method methods[_METHOD_COUNT];
    size_t method_count;
    SecondFactor second_factor; /* SecondFactor=totp|provider|none */
    char *api_audience;      /* ApiAudience= of access tokens; NULL: none is taken */
    char **require_scopes;   /* RequireScopes= RequireRoles= of a person's: one of them each */
    char **require_roles;
    char *username_claim;    /* UsernameClaim=, default preferred_username */
    char *username_template; /* UsernameTemplate=, instead of the claim; NULL */
    char *email_claim;       /* EmailClaim=, default email */
    char **require_claims;   /* RequireClaims= name=value, all of them (claims.h) */
    char *id_claim;          /* IdClaim=, default oid (entra) or sub */
    char *uid_claim;         /* UidClaim=; NULL: numbers are hashes */
    char *phone_claim;       /* PhoneClaim=, default phone_number */
    char *name_claim;        /* NameClaim=, default name */
    char *roles_claim;       /* RolesClaim=, default by type */
    char **copy_claims;      /* CopyClaims= claim:name (claims.h) */
    char *groups_claim;      /* GroupsClaim=, default groups */
    FirstBind first_bind;    /* FirstBind=no|username|email */
    bool refused_refresh_is_revoked; /* RefusedRefresh=aged|revoked */
    bool allow_insecure_loopback;    /* AllowInsecureLoopback= */
    char *ca_file;           /* CaFile= */
    char *proxy;             /* Proxy= */
    char *proxy_secret_file; /* ProxySecretFile= with NAME:PASSWORD for it */
    char **no_proxy;         /* NoProxy= what is asked straight (http-route.h) */
    uint64_t http_timeout_usec;  /* HttpTimeoutSec=, default 10 */
    uint64_t clock_skew_usec;    /* ClockSkewSec=, default 300, at most 600 */
    unsigned requests_per_minute;/* RequestsPerMinute=, default 600; half is for refreshes */
    DirectoryType directory;     /* Directory=none|graph|keycloak|scim|okta */
    char *directory_client_id;   /* DirectoryClientId= */
    char *directory_secret_file; /* DirectorySecretFile= */
    char *directory_certificate_file; /* DirectoryCertificateFile=, instead of the secret */
    char *directory_key_id;      /* DirectoryKeyId= of the key in the certificate's file, or NULL */
    char *directory_token_file;  /* DirectoryTokenFile=, instead of a client of our own */
    char *directory_token_endpoint; /* DirectoryTokenEndpoint=, default the provider's */
    char *directory_scope;       /* DirectoryScope=, default by the kind; NULL: none */
    char *directory_url;         /* DirectoryUrl=, default by the kind */
    char **match_by;             /* MatchBy= of email, phone (directory-match.h) */
    bool adds_nobody;            /* AutoProvision=no */
    char **auto_provision_groups;/* AutoProvisionGroups= names of [group] sections; empty: all */
} ProviderConfig;

/* [group NAME] */
typedef struct GroupConfig {
    char *name;        /* the group's name on this host */
    char *id;          /* Id= immutable directory id; "" where only the role counts */
    char *role;        /* Role= of RolesClaim=, or NULL: who has it is a member, too */
    char *provider;    /* Provider= section name; NULL = any (only with a single provider) */
    char *local_group; /* LocalGroup= name of an existing local group, or NULL */
    uint32_t gid;      /* Gid= pinned, or 0 */
    bool allow_privileged; /* AllowPrivilegedLocalGroup= */
} GroupConfig;

/* [user NAME] */
typedef struct UserConfig {
    char *name;      /* account name on this host */
    char *directory; /* Directory= alice@rcpch.ac.uk ties an existing local account; or NULL */
    bool is_service; /* tied by a [service-account] section */
    bool kill_services; /* KillServices=, the enforcer's business */
    uint32_t uid;    /* Uid= pinned, or 0 */
    char *shell;     /* Shell= or NULL */
    char *home;      /* Home= or NULL */
} UserConfig;

/* [service-account NAME]: a client that asks for tokens of its own, and the local account it
 * signs in as. That account is tied, as by [user] Directory=, to a name that no person has. */
typedef struct ServiceAccountConfig {
    char *name;
    char *client_id;      /* ClientId= that its tokens are given to */
    char *local_user;     /* LocalUser= */
    char **require_roles; /* RequireRoles=, one of them */
    char *provider;       /* Provider= section name; NULL: the only one */
} ServiceAccountConfig;

/* [service NAME] */
typedef struct ServiceConfig {
    char *name;
    char **require_groups;     /* RequireGroups= names of [group] sections */
    bool end_elevated;         /* EndElevated=yes */
    char **require_acr;        /* RequireAcr= (strength.h) */
    char **require_auth_context; /* RequireAuthContext=, of Entra */
    uint64_t max_auth_age_usec;/* MaxAuthAge=, 0 = none (for keys: 12 h) */
    Keys keys;                 /* Keys=, of sshd only */
    char **allow_from;         /* AllowFrom= (networks.h); empty: from anywhere */
    RequirePrior require_prior;/* RequirePrior=no|publickey, of sshd only */
    bool unprivileged;         /* Unprivileged=yes */
    UnknownNames unknown_names;/* UnknownNames=hide|show */
    Method methods[_METHOD_COUNT]; /* Methods= */
    size_t method_count;       /* 0: whatever the provider takes */
    char **caller_uid;         /* CallerUid= local accounts or numbers that call PAM for it */
    char *provider;            /* Provider= section name or issuer, or NULL (login-provider.h) */
} ServiceConfig;

typedef struct Config {
    ProviderConfig *providers;
    size_t provider_count;
    GroupConfig *groups;
    size_t group_count;
    UserConfig *users;
    size_t user_count;
    ServiceConfig *services;
    size_t service_count;
    ServiceAccountConfig *service_accounts;
    size_t service_account_count;

    /* [access] */
    bool allow_all;        /* AllowAll=yes */
    char **allow_groups;   /* AllowGroups= names of [group] sections */
    char **allow_users;    /* AllowUsers= account names */
    char **shared_domains; /* SharedDomains= that more than one provider may answer for */

    /* [identity] */
    NameFormat name_format; /* NameFormat=short|full */
    uint32_t uid_base;      /* UidBase= */
    uint32_t uid_count;     /* UidCount= */
    char *home_template;    /* HomeTemplate=, default /home/%u; %u = account name */
    char *shell;            /* Shell=, default /bin/bash */

    /* [revocation] all in microseconds */
    uint64_t refresh_check_usec;   /* RefreshCheckSec=60 */
    uint64_t directory_poll_usec;  /* DirectoryPollSec=10 */
    uint64_t fresh_usec;           /* FreshSec=30 */
    uint64_t check_timeout_usec;   /* CheckTimeoutMs=3000 */
    uint64_t max_unconfirmed_usec; /* MaxUnconfirmed=8h, 0 = never */
    uint64_t offline_grace_usec;   /* OfflineGrace=1h, 0 = strict */
    OnRevoked on_revoked;          /* OnRevoked=end|grace:15m|keep */
    uint64_t on_revoked_grace_usec;
    bool end_on_expiry;            /* EndOnExpiry= */
    unsigned kill_login_uid;       /* KillLoginUid=, the enforcer's business */

    /* [totp] */
    char *totp_issuer;             /* Issuer=, as authenticators show it; default RCPCH */
    TotpAlgorithm totp_algorithm;  /* Algorithm=sha1|sha256|sha512 */
    unsigned totp_digits;          /* Digits=6 */
    uint64_t totp_enrol_within_usec; /* EnrolWithin=, after a sign-in for it; 0: only root enrols */
    bool totp_allow_shared;        /* AllowSharedTotp=: keys that other hosts know, too */
    OfflineSecret totp_offline_secret; /* OfflineSecret=any|passphrase|password|no */
    unsigned totp_passphrase_min;  /* OfflinePassphraseMin=12, characters */

    /* [token] */
    char **verify_users;           /* VerifyUsers= local users that may call VerifyToken */

    /* [login] limits live in [access]: LoginsPerAccount= LoginsPerSource= Logins= */
    unsigned logins_per_account, logins_per_source, logins_total;
    unsigned lock_after;           /* [access] LockAfter=10 wrong answers … */
    uint64_t lock_window_usec;     /* … within LockWindow=5m */
    ShowQr show_qr;                /* [access] ShowQr=utf8|ascii|no */
} Config;

/* For the administrator: "/etc/rcpch/rcpch.conf:12: unknown key 'Isuer' in [provider entra];
 * did you mean 'Issuer'?" */
typedef struct ConfigMessages {
    char **lines; /* NULL-terminated */
    size_t count;
} ConfigMessages;

/* Reads `file` and then dir/ *.conf (`dir` may be NULL) in byte order. `check_owner`: refuse files
 * that are not root's or that group or others may write. On error *ret_config is untouched and
 * messages say why; on success they may hold warnings. Returns 0, -EBADMSG for a configuration
 * error, or another negative errno. */
int config_read(const char *file, const char *dir, bool check_owner, Config **ret_config,
                ConfigMessages *messages);

/* What no file says: every default, no provider, nobody allowed. Stands in for a configuration that
 * is broken at start. */
int config_new_default(Config **ret_config);

Config *config_free(Config *config);
DEFINE_CLEANUP(Config *, config_free)
void config_messages_clear(ConfigMessages *messages);

/* Local groups whose members are as good as root; NULL-terminated. */
extern const char *const config_privileged_groups[];

/* Look-ups; NULL when there is none. config_service() knows that sudo-i is sudo and su-l is su. */
const ProviderConfig *config_provider(const Config *config, const char *name);
/* By section name, or else by issuer. */
const ProviderConfig *config_provider_or_issuer(const Config *config, const char *text);
/* Is the name of one of its domains? Of a shared one several answer; then the first is returned. */
bool config_answers_for(const Config *config, const ProviderConfig *provider,
                        const char *directory_name);
const ProviderConfig *config_provider_for_domain(const Config *config, const char *directory_name);
const GroupConfig *config_group(const Config *config, const char *name);
const UserConfig *config_user(const Config *config, const char *name);
/* Whose LocalUser= this is. */
const ServiceAccountConfig *config_service_account(const Config *config, const char *local_user);
/* Provider=, or the only one. */
const ProviderConfig *config_service_account_provider(const Config *config,
                                                      const ServiceAccountConfig *service);
const ServiceConfig *config_service(const Config *config, const char *service);
/* The provider's methods that the service's section (NULL: there is none) leaves, in the order of
 * whichever of the two lists counts; a client's own tokens: config_takes_method(). */
size_t config_methods(const ProviderConfig *provider, const ServiceConfig *service,
                      Method ret_methods[_METHOD_COUNT]);
/* Does the section (NULL: there is none) leave this method, where the provider has it? */
bool config_takes_method(const ServiceConfig *service, Method method);
