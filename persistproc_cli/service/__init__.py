"""The daemon and the bridge as services of the system's service manager: systemd of the user, or launchd."""
