//! Where the two ends meet: descriptor numbers of the gateway, and the default places of the control socket.
//!
//! Pure. Invariant: core, gateway and clients agree because they read the same constants.
//! Not here: binding (`daemon`), connecting (`ctl`).

/// The gateway's end of the link to the core.
pub const LINK_FD: i32 = 3;

/// The first listening socket the gateway inherits; the others follow.
pub const FIRST_LISTENER_FD: i32 = 4;

/// Where a control socket is made, and looked for, when no configuration names one: the first place that works.
#[must_use]
pub fn default_socket_paths() -> [&'static str; 4] {
    ["/run/mainstay.sock", "/var/run/mainstay.sock", "/tmp/mainstay.sock", "/dev/shm/mainstay.sock"]
}
