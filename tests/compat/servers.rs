//! Servers that cannot be opened, and who owns the socket file.

use crate::face::{assert_refused, face, face_as, owned, refusal};
use crate::support::{ours, skipped};
use harness::wait_until;

const HEAD: &str = "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\n\
    childlogdir=@dir@\n";
const API: &str = "[rpcinterface:supervisor]\n\
    supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

fn refused(servers: &str, words: &str) {
    if !skipped() {
        let daemon = face(&format!("{HEAD}user=root\n{API}{servers}")).start();
        assert_refused(&daemon, words);
        assert!(!daemon.dir().path().join("d.pid").exists());
        assert_eq!(daemon.dir().list("s.sock"), [""; 0]);
    }
}

const TAKEN: &str = "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut \
    this program down first before starting supervisord.";

#[test]
fn two_servers_on_one_port() {
    refused(
        "[inet_http_server:a]\nport=127.0.0.1:@port@\n[inet_http_server:b]\nport=127.0.0.1:@port@\n",
        TAKEN,
    );
}

#[test]
fn two_servers_on_one_socket() {
    if skipped() {
        return;
    }
    let servers = "[unix_http_server:a]\nfile=@sock@\n[unix_http_server:b]\nfile=@sock@\n";
    let daemon = face(&format!("{HEAD}user=root\n{API}{servers}")).start();
    if ours() {
        return assert_refused(&daemon, TAKEN);
    }
    // On purpose: theirs asks its own first server whether it is there, and waits for the answer for ever.
    let open = "CRIT Server 'unix_http_server:a' running without any HTTP authentication checking\n";
    wait_until("it has opened the first", || daemon.dir().read("main.log").contains(open));
    assert!(daemon.status().is_none() && !daemon.dir().path().join("d.pid").exists());
}

#[test]
fn two_servers_on_sockets_of_their_own() {
    if skipped() {
        return;
    }
    let servers = "[unix_http_server:a]\nfile=@sock@\n[unix_http_server:b]\nfile=@dir@/t.sock\nchmod=0770\n\
        [inet_http_server]\nport=127.0.0.1:@port@\n";
    let daemon = face(&format!("{HEAD}user=root\n{API}{servers}")).start();
    wait_until("it runs", || daemon.dir().read("main.log").contains("supervisord started with pid"));
    for socket in ["s.sock", "t.sock"] {
        assert!(harness::http::rpc(&daemon.dir().join(socket), "supervisor.getPID", &[]).is_ok(), "{socket}");
    }
    assert_eq!(owned(&daemon, "t.sock"), (0, 0, 0o770));
    daemon.finish();
}

#[test]
fn an_address_that_is_not_ours() {
    refused(
        "[inet_http_server]\nport=192.0.2.1:9001\n",
        "Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)",
    );
}

#[test]
fn a_socket_in_a_missing_directory() {
    refused(
        "[unix_http_server]\nfile=@dir@/no/such/s.sock\n",
        "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)",
    );
}

#[test]
fn a_socket_whose_path_is_too_long() {
    refused(
        &format!("[unix_http_server]\nfile=@dir@/{}\n", "x".repeat(120)),
        "Cannot open an HTTP server: socket.error reported AF_UNIX path too long",
    );
}

#[test]
fn a_second_server_that_fails_takes_the_first_ones_socket_away() {
    refused(
        "[inet_http_server]\nport=192.0.2.1:9001\n[unix_http_server]\nfile=@sock@\n",
        "Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)",
    );
}

#[test]
fn a_low_port_of_a_user() {
    if skipped() {
        return;
    }
    // The kernel has to keep low ports for root; a container may have it otherwise.
    let first_free =
        std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if first_free.trim().parse::<u32>().is_ok_and(|n| n < 1024) {
        return println!("skipped: every port is free for everybody here");
    }
    let port =
        (900..1000).find(|p| std::net::TcpListener::bind(("127.0.0.1", *p)).is_ok()).expect("a free port");
    let setup = face(&format!("{HEAD}user=daemon\n{API}[inet_http_server]\nport=127.0.0.1:{port}\n"));
    std::os::unix::fs::chown(setup.dir().path(), Some(1), Some(1)).unwrap();
    let daemon = setup.start();
    if ours() {
        // On purpose: we bind before we become the user, so that it works.
        wait_until("it runs", || daemon.dir().read("main.log").contains("supervisord started with pid"));
        daemon.finish();
    } else {
        assert_refused(&daemon, "Cannot open an HTTP server: socket.error reported errno.EACCES (13)");
    }
}

#[test]
fn the_socket_has_the_owner_and_mode_that_it_is_given() {
    if skipped() {
        return;
    }
    for (settings, want) in [
        ("", (0, 0, 0o700)),
        ("chmod=0660\nchown=daemon:mail\n", (1, 8, 0o660)),
        ("chmod=0777\nchown=daemon\n", (1, 0, 0o777)),
    ] {
        let daemon =
            face(&format!("{HEAD}user=root\n{API}[unix_http_server]\nfile=@sock@\n{settings}")).start();
        wait_until("it runs", || daemon.dir().read("main.log").contains("supervisord started with pid"));
        assert_eq!(owned(&daemon, "s.sock"), want, "{settings}");
        daemon.finish();
    }
}

#[test]
fn a_socket_that_may_not_be_given_away() {
    if skipped() {
        return;
    }
    for (owner, shown) in [("bin", "(2, -1)"), ("bin:mail", "(2, 8)")] {
        let servers = format!("[unix_http_server]\nfile=@sock@\nchown={owner}\n");
        let daemon = face_as(1, &format!("{HEAD}{API}{servers}")).start();
        let said = refusal(&daemon);
        let want = format!("Error: Not permitted to chown @dir@/s.sock to uid/gid {shown}");
        assert!(said.starts_with(&want), "{said}");
        // Theirs leaves the file behind.
        assert_eq!(daemon.dir().list("s.sock").is_empty(), ours());
    }
}
