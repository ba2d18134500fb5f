//! What commands reach: their own loopback, and beyond it only what was named, through vk's proxy.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use vibekit::sandbox::{Network, Status};

/// A server of the host that counts who comes, and answers in the words of HTTP.
struct Host {
    port: u16,
    visits: Arc<AtomicUsize>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, visits) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&visits);
        // It ends with the test's own process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 1024];
                let _ = stream.read(&mut request);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n");
            }
        });
        Self { port, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// Asks the proxy in its own words; a file descriptor of bash is all it needs.
const ASK: &str = r#"ask() { exec 3<>"/dev/tcp/127.0.0.1/${HTTPS_PROXY##*:}" && printf "$1\r\n\r\n" >&3 && timeout 5 head -n 1 <&3; exec 3>&-; }
"#;

#[test]
fn without_leave_nothing_gets_out() {
    for backend in backends() {
        let host = Host::start();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_nonblocking(true).unwrap();
        let (tcp_port, udp_port) = (host.port, udp.local_addr().unwrap().port());
        let name = format!("vk-it-{}", std::process::id());
        let abstract_address =
            <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name).unwrap();
        let hidden = std::os::unix::net::UnixListener::bind_addr(&abstract_address).unwrap();
        hidden.set_nonblocking(true).unwrap();
        let place = Place::new();
        let sandbox = place.start(*backend);
        let script = format!(
            "(echo x > /dev/tcp/127.0.0.1/{tcp_port}) && echo GOT tcp; (echo x > /dev/udp/127.0.0.1/{udp_port}); \
             (timeout 2 bash -c 'echo x > /dev/tcp/1.1.1.1/53') && echo GOT out; \
             (timeout 2 bash -c 'echo x > /dev/tcp/169.254.169.254/80') && echo GOT metadata; \
             timeout 3 getent hosts crates.io && echo GOT dns; \
             perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0) && connect($s, pack(q(Sa*), AF_UNIX, qq(\\0{name}))) && print qq(GOT abstract\\n)'; \
             perl -MSocket -e 'for my $f (17, 40, 38, 16) {{ socket(my $s, $f, SOCK_RAW, 0) && $f != 16 && print qq(GOT family $f\\n) }} \
             socket(my $r, AF_INET, SOCK_RAW, 1) && print qq(GOT raw\\n)'; \
             unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy; timeout 3 curl -s -m 2 http://127.0.0.1:{tcp_port}/ && echo GOT curl; echo end"
        );
        let tried = run(&sandbox, &script).text();
        assert!(tried.ends_with("end\n") && !tried.contains("GOT"), "{backend:?}: {tried}");
        assert_eq!(host.visits(), 0, "{backend:?}: {tried}");
        assert!(udp.recv(&mut [0; 8]).is_err() && hidden.accept().is_err(), "{backend:?}: {tried}");
    }
}

#[test]
fn nothing_is_typed_into_a_terminal() {
    for backend in backends() {
        let place = Place::new();
        let sandbox = place.start(*backend);
        // TIOCSTI and TIOCLINUX, on whatever terminal can be had; with high bits that a filter could overlook.
        let script = "perl -e 'open(my $t, q(+<), $_) || next, ioctl($t, 0x5412, my $c = q(x)) && print(q(TYPED)) for qw(/dev/tty /dev/ptmx /dev/console /dev/pts/0)'; \
             perl -e '$c = q(x); for my $r (0x5412, 0x541c, 0x5412 | 1 << 32) { print q(TYPED) if syscall(16, 0, $r, $c) == 0; print $!+0, qq(\\n) }'";
        let tried = run(&sandbox, script).text();
        assert!(!tried.contains("TYPED"), "{backend:?}: {tried}");
        if cfg!(target_arch = "x86_64") {
            assert!(tried.ends_with("1\n1\n1\n"), "{backend:?}: the filter answers, not the file: {tried}");
        }
    }
}

#[test]
fn a_test_suite_with_servers_of_its_own_works_without_network() {
    if !has_bubblewrap() {
        return;
    }
    let place = Place::new();
    let sandbox = place.start(Backend::Bubblewrap);
    let script = r#"perl -MIO::Socket::INET -e '
        my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", LocalPort => 0) or die "listen: $!";
        my $port = $server->sockport;
        if (!fork) { my $c = IO::Socket::INET->new("127.0.0.1:$port") or die; print $c "over tcp\n"; exit }
        print $server->accept->getline;
        my $a = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => 0) or die;
        my $b = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1", PeerPort => $a->sockport) or die;
        $b->send("over udp\n"); $a->recv(my $got, 100); print $got;
        wait'
        perl -MIO::Socket::UNIX -e '
        my $server = IO::Socket::UNIX->new(Local => "s.sock", Listen => 1) or die "unix: $!";
        if (!fork) { my $c = IO::Socket::UNIX->new("s.sock") or die; print $c "over a path\n"; exit }
        print $server->accept->getline; wait'
        getent hosts localhost >/dev/null && echo localhost has an address"#;
    let ran = run(&sandbox, script);
    assert_eq!(ran.text(), "over tcp\nover udp\nover a path\nlocalhost has an address\n");
    assert_eq!(ran.denied_hosts, [""; 0]);
}

#[test]
fn a_partial_sandbox_refuses_sockets_and_says_so() {
    if !backends().contains(&Backend::Landlock) {
        return;
    }
    let place = Place::new();
    let sandbox = place.start(Backend::Landlock);
    assert!(sandbox.describe().contains("no network, not even their own loopback"), "{}", sandbox.describe());
    let ran = run(
        &sandbox,
        "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 5, LocalAddr => q(127.0.0.1)) or die qq($!\\n)'",
    );
    assert_eq!((ran.status, ran.text().trim()), (Status::Exited(1), "Operation not permitted"));
    // Pairs of connected sockets are how programs talk to their own children.
    let pair =
        run(&sandbox, "perl -MSocket -e 'socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) and print q(paired)'");
    assert_eq!(pair.text(), "paired");
    for network in [Network::Registries, Network::Hosts(vec!["crates.io".to_owned()])] {
        let mut spec = place.spec(Backend::Landlock);
        spec.network = network;
        assert!(matches!(place.start_with(spec), Err(SandboxError::NetworkNeedsFull { .. })));
    }
}

#[test]
fn hosts_that_were_not_named_are_refused_and_told() {
    if !has_bubblewrap() {
        return;
    }
    let place = Place::new();
    for network in
        [Network::None, Network::Hosts(Vec::new()), Network::Registries, Network::Hosts(vec!["crates.io".into()])]
    {
        let mut spec = place.spec(Backend::Bubblewrap);
        spec.network = network.clone();
        let sandbox = place.start_with(spec).unwrap();
        for (asked, denied) in [
            ("CONNECT evil.example:443 HTTP/1.1", Some("evil.example")),
            ("CONNECT crates.io.evil.example:443 HTTP/1.1", Some("crates.io.evil.example")),
            ("CONNECT crates.io:22 HTTP/1.1", Some("crates.io:22")),
            ("CONNECT 169.254.169.254:80 HTTP/1.1", Some("169.254.169.254")),
            ("CONNECT 127.0.0.1:22 HTTP/1.1", Some("127.0.0.1:22")),
            ("CONNECT [::ffff:127.0.0.1]:80 HTTP/1.1", Some("[::ffff:127.0.0.1]")),
            ("GET http://evil.example/data HTTP/1.1", Some("evil.example")),
            ("CONNECT 2130706433:80 HTTP/1.1", None),
            ("CONNECT crates.io.:443 HTTP/1.1", None),
            ("CONNECT user@crates.io:443 HTTP/1.1", None),
            ("GET http://crates.io@evil.example/ HTTP/1.1", None),
            ("GET / HTTP/1.1\\r\\nHost: crates.io", None),
            ("SSH-2.0-x", None),
        ] {
            let ran = run(&sandbox, &format!("{ASK} ask '{asked}'"));
            let status = if denied.is_some() { "HTTP/1.1 403" } else { "HTTP/1.1 400" };
            assert!(ran.text().starts_with(status), "{network:?} {asked}: {}", ran.text());
            assert_eq!(ran.denied_hosts, denied.into_iter().collect::<Vec<_>>(), "{network:?} {asked}");
        }
        assert!(sandbox.denied_hosts().contains(&"evil.example".to_owned()));
    }
}

#[test]
fn even_any_host_is_no_host_of_this_network() {
    if !has_bubblewrap() {
        return;
    }
    let host = Host::start();
    let place = Place::new();
    let mut spec = place.spec(Backend::Bubblewrap);
    spec.network = Network::Any;
    let sandbox = place.start_with(spec).unwrap();
    for to in [
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[fd00:ec2::254]",
    ] {
        for asked in
            [format!("CONNECT {to}:{0} HTTP/1.1", host.port), format!("GET http://{to}:{0}/ HTTP/1.1", host.port)]
        {
            let ran = run(&sandbox, &format!("{ASK} ask '{asked}'"));
            assert!(ran.text().starts_with("HTTP/1.1 403"), "{asked}: {}", ran.text());
        }
    }
    assert_eq!(host.visits(), 0);
}

#[test]
fn a_named_host_is_reached_and_a_clouds_metadata_is_not_even_if_named() {
    if !has_bubblewrap() {
        return;
    }
    let host = Host::start();
    let place = Place::new();
    let sandbox = place.start(Backend::Bubblewrap);
    let asked = format!("{ASK} ask 'GET http://127.0.0.1:{}/ HTTP/1.1'", host.port);
    assert!(run(&sandbox, &asked).text().starts_with("HTTP/1.1 403"));
    // What a person answered when asked about exactly this address.
    sandbox.allow_host(&format!("127.0.0.1:{}", host.port)).unwrap();
    assert!(run(&sandbox, &asked).text().starts_with("HTTP/1.1 200"));
    assert_eq!(host.visits(), 1);
    for metadata in ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"] {
        let _ = sandbox.allow_host(metadata);
        let ran = run(&sandbox, &format!("{ASK} ask 'GET http://{metadata}/latest/meta-data/ HTTP/1.1'"));
        assert!(ran.text().starts_with("HTTP/1.1 403"), "{metadata}: {}", ran.text());
    }
    // A tunnel to an allowed host by name must greet that host.
    assert!(sandbox.allow_host("not a host").is_err() && sandbox.allow_host("*.example").is_err());
}

#[test]
fn a_tunnel_to_a_named_host_carries_only_what_greets_that_host() {
    if !has_bubblewrap() {
        return;
    }
    // The user's own proxy: opens every tunnel and keeps what comes through.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap().port();
    let through = Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = Arc::clone(&through);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            kept.lock().unwrap().push((String::from_utf8_lossy(&head).into_owned(), rest));
        }
    });
    let place = Place::new().set("https_proxy", &format!("http://127.0.0.1:{upstream}"));
    let mut spec = place.spec(Backend::Bubblewrap);
    spec.network = Network::Hosts(vec!["a.example".to_owned()]);
    let sandbox = place.start_with(spec).unwrap();
    let tunnel = r#"tunnel() { exec 3<>"/dev/tcp/127.0.0.1/${HTTPS_PROXY##*:}" && printf 'CONNECT a.example:443 HTTP/1.1\r\n\r\n' >&3 && head -n 1 <&3; \
        printf "$1" >&3; timeout 1 cat <&3 >/dev/null; exec 3>&-; }
"#;
    // A TLS greeting: one record, one message, one extension that names the host.
    let greeting = |host: &str| {
        let name = host.len();
        let hex = |number: usize| format!("\\x{:02x}\\x{:02x}", number >> 8, number & 255);
        let hello = format!(
            "\\x03\\x03{}\\x00{}\\x13\\x01\\x01\\x00{}\\x00\\x00{}{}\\x00{}{host}",
            "\\x07".repeat(32),
            hex(2),
            hex(name + 9),
            hex(name + 5),
            hex(name + 3),
            hex(name),
        );
        let length = 2 + 32 + 1 + 2 + 2 + 2 + 2 + name + 9;
        format!("\\x16\\x03\\x01{}\\x01\\x00{}{hello}", hex(length + 4), hex(length))
    };
    for (sent, passes) in [
        (greeting("a.example"), true),
        (greeting("evil.example"), false),
        ("GET / HTTP/1.1\\r\\nHost: a.example\\r\\n\\r\\n".to_owned(), false),
        ("SSH-2.0-client\\r\\n".to_owned(), false),
    ] {
        let ran = run(&sandbox, &format!("{tunnel} tunnel '{sent}'"));
        assert!(ran.text().starts_with("HTTP/1.1 200"), "{sent}: {}", ran.text());
        assert!(eventually(|| !through.lock().unwrap().is_empty()), "{sent}");
        let (head, rest) = through.lock().unwrap().pop().unwrap();
        assert!(head.starts_with("CONNECT a.example:443 "), "{head}");
        assert_eq!(!rest.is_empty(), passes, "{sent}: {} bytes went through", rest.len());
    }
}
