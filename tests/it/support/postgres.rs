//! A real PostgreSQL of a test's own, on 127.0.0.1, that ends with it. Where none is installed, the test says so and
//! is skipped.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vibekit::config::Database;
use vibekit::ledger::Server;

pub struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Child>,
    settings: Vec<String>,
}

impl Postgres {
    /// A server with the role `vk` and the database `vk`, which asks nobody for a password.
    pub fn start() -> Option<Self> {
        Self::start_with("trust", &["fsync=off"])
    }

    /// One that asks for a password (`scram-sha-256`) or does not (`trust`), with settings of its own.
    pub fn start_with(auth: &str, settings: &[&str]) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian package postgresql)");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("vk-postgres-").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { folder, programs, port: 0, running: None, settings };
        let made = server
            .command("initdb")
            .args(["-A", "trust", "-U", "vk", "--no-sync", "--wal-segsize=1", "-E", "UTF8", "--locale=C", "-D"])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        server.sql("postgres", "CREATE DATABASE vk");
        if auth != "trust" {
            server.sql("postgres", "ALTER ROLE vk PASSWORD 'hunter2-of-the-team'");
            let rules = format!("local all all trust\nhost all all 127.0.0.1/32 {auth}\n");
            std::fs::write(server.data().join("pg_hba.conf"), rules).unwrap();
            server.sql("postgres", "SELECT pg_reload_conf()");
        }
        Some(server)
    }

    /// Starts it, or starts it again at the same port.
    pub fn run(&mut self) {
        if self.port == 0 {
            self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        }
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let sockets = format!("unix_socket_directories={}", self.folder.path().display());
        let fixed = ["listen_addresses=127.0.0.1", &sockets, "max_connections=120", "shared_buffers=32MB"];
        for setting in fixed.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.running = Some(child);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, whatever is under way. What was committed stays.
    pub fn stop(&mut self) {
        let Some(mut child) = self.running.take() else { return };
        let pid = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::QUIT);
        child.wait().unwrap();
    }

    /// From now on it takes TLS only, with a certificate made out to 127.0.0.1 by an authority of its own. Gives that
    /// authority's certificate and another one's; `None` without openssl.
    pub fn require_tls(&self) -> Option<[PathBuf; 2]> {
        let script = "set -e
            authority() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$1 -keyout $1.key -out $1.pem; }
            authority right; authority wrong
            openssl req -newkey rsa:2048 -nodes -subj /CN=db -keyout server.key -out server.csr
            printf 'subjectAltName=IP:127.0.0.1\n' > names
            openssl x509 -req -in server.csr -CA right.pem -CAkey right.key -CAcreateserial -days 2 -extfile names -out server.crt
            chmod 600 server.key";
        let made = as_its_user(Path::new("/bin/sh")).args(["-c", script]).current_dir(self.data()).output().unwrap();
        if !made.status.success() {
            println!("skipped: openssl made no certificate: {}", String::from_utf8_lossy(&made.stderr));
            return None;
        }
        std::fs::write(self.data().join("pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
            .unwrap();
        self.sql("postgres", "ALTER SYSTEM SET ssl = on");
        self.sql("postgres", "SELECT pg_reload_conf()");
        Some(["right.pem", "wrong.pem"].map(|name| self.data().join(name)))
    }

    pub fn url(&self) -> String {
        self.url_of("vk", "vk")
    }

    pub fn url_of(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn server(&self) -> Server {
        self.server_of("vk")
    }

    /// Another database of it.
    pub fn server_of(&self, database: &str) -> Server {
        Server::open_to_all(self.url_of("vk", database).parse::<Database>().unwrap())
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL as the owner of everything and gives what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let began = Instant::now();
        loop {
            let output = self
                .command("psql")
                .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "vk", "-d", database, "-h"])
                .arg(self.folder.path())
                .args(["-p", &self.port.to_string(), "-c", sql])
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                return String::from_utf8_lossy(&output.stdout).trim().to_owned();
            }
            let starts = ["starting up", "not yet accepting", "No such file"].iter().any(|word| told.contains(word));
            assert!(starts && began.elapsed() < Duration::from_secs(20), "{sql}: {told}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// One of its programs.
    fn command(&self, program: &str) -> Command {
        as_its_user(&self.programs.join(program))
    }
}

/// A program that refuses to be root's, and ends with this test.
fn as_its_user(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups", "--pdeathsig", "QUIT"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Debian keeps the programs of each version in a folder of its own; the newest is taken.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|e| e.path()).collect();
    folders.sort_by_key(|folder| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let of_debian = folders.pop().map(|folder| folder.join("bin"));
    let usual = Path::new("/usr/bin").to_path_buf();
    of_debian.into_iter().chain([usual]).find(|folder| folder.join("initdb").exists())
}
