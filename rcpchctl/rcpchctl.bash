# bash completion for rcpchctl(8)

_rcpchctl_users()
{
    # The first column of the table; nothing when the helper is not reachable or we are not root.
    rcpchctl user list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_rcpchctl_providers()
{
    rcpchctl provider list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_rcpchctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word
    local -a words=()
    COMPREPLY=()

    case $previous in
    --user|-u)
        mapfile -t COMPREPLY < <(compgen -W "$(_rcpchctl_users)" -- "$current")
        return ;;
    --shell|--home|--file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    --since|-s)
        mapfile -t COMPREPLY < <(compgen -W 'today yesterday 1h 1d' -- "$current")
        return ;;
    --lines|-n)
        mapfile -t COMPREPLY < <(compgen -W 'all 100' -- "$current")
        return ;;
    --service)
        mapfile -t COMPREPLY < <(compgen -W 'sshd sudo su login cron' -- "$current")
        return ;;
    --provider)
        mapfile -t COMPREPLY < <(compgen -W "$(_rcpchctl_providers)" -- "$current")
        return ;;
    --id|--full-name|--phone|--reason|--from)
        return ;;
    esac

    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] || words+=("$word")
    done

    if [[ $current == -* ]]; then
        local options='--json --utc --help'
        case "${words[*]:0:2}" in
        'user add'*) options+=' --id --provider --shell --home --full-name --phone' ;;
        'user revoke'*) options+=' --reason' ;;
        'access explain'*) options+=' --service --from' ;;
        'token verify'*) options+=' --scope --role' ;;
        'token use'*) options='--file --help' ;;
        reload*) options='--json --enforce --help' ;;
        log*) options+=' --follow --user --since --lines' ;;
        check-config*|'identity export'*|'totp enrol'*|'totp import'*) options='--help' ;;
        'identity import'*) options='--json --dry-run --help' ;;
        'user reinstate'*|'user unlock'*|'user forget'*|'totp reset'*|'group list'*|refresh*|doctor*|provider*) options='--json --help' ;;
        '') options+=' --version' ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        return
    fi

    case "${words[*]}" in
    '') word='status doctor check-config reload user group session provider token totp identity access refresh log' ;;
    user) word='list show add revoke reinstate unlock forget' ;;
    group|session) word='list' ;;
    provider) word='list test' ;;
    identity) word='export import' ;;
    totp) word='enrol import list reset' ;;
    token) word='use verify' ;;
    'identity import'|'totp import')
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return ;;
    'provider test') word=$(_rcpchctl_providers) ;;
    access) word='explain' ;;
    'access explain'|refresh|'user show'|'user revoke'|'user reinstate'|'user unlock'|'user forget'|'totp enrol'|'totp reset') word=$(_rcpchctl_users) ;;
    *) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
}

complete -F _rcpchctl rcpchctl
