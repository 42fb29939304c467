/*
 * The table of what is looked at on this host, in the order in which a sign-in needs it.
 */
#include "rcpchctl/doctor.h"

const HostCheck host_checks[] = {
    {"configuration", doctor_configuration},
    {"name module", doctor_name_module},
    {"nsswitch", doctor_name_service},
    {"snapshot", doctor_snapshot},
    {"name cache", doctor_name_cache},
    {"PAM module", doctor_pam_module},
    {"PAM stack", doctor_pam},
    {"sshd", doctor_sshd},
    {"logind", doctor_logind},
    {"control groups", doctor_control_groups},
    {"local root", doctor_local_root},
};
const size_t host_check_count = ELEMENTSOF(host_checks);
