"""The certified oidc-provider of the npm registry, pinned: what nobody here wrote checks us."""
