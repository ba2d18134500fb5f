//! A team's ledger that cannot be entered, or is lost on the way: exit 9 before anything is spent, with what mends it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{json, member};
use crate::budget::{costs, with_key};
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::{Ran, Vk};
use crate::support::postgres::Postgres;
use crate::support::provider::{Gate, Provider, Script};
use crate::support::turn::Turn;

const PASSWORD: &str = "hunter2-of-the-team";

/// A run that must end with exit 9 and ask no provider for anything.
fn refused(vk: &Vk) -> Ran {
    let (ran, finished) = report(vk, &ANTHROPIC, &["go"]);
    assert_eq!(
        (ran.code, finished["status"].as_str(), finished["exit_code"].as_u64()),
        (9, Some("ledger"), Some(9)),
        "{ran}"
    );
    assert!(finished["error"]["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{ran}");
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 9, "{ran}");
    ran
}

fn told(ran: &Ran, server: &Postgres) -> String {
    let lines = ran.stderr.lines().skip_while(|line| !line.starts_with("error:"));
    let lines = lines.take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace(&server.port().to_string(), "PORT")
}

#[test]
fn a_server_that_nobody_runs_is_told_before_anything_is_spent() {
    let Some(mut server) = Postgres::start() else { return };
    let provider = Provider::start([]);
    let vk = member("ann", &server, &provider);
    server.stop();
    insta::assert_snapshot!(told(&refused(&vk), &server), @"
    error: the ledger postgres://vk@127.0.0.1:PORT/vk cannot be reached
      why: error connecting to server: Connection refused (os error 111); vk spends nothing that it cannot record
      fix: pg_isready -h 127.0.0.1 -p PORT
           vk doctor
    ");
    for args in [&["cost"][..], &["budget"], &["tasks"], &["budget", "set", "1", "--per", "day", "--team"], &["import"]]
    {
        let ran = vk.run(args);
        assert_eq!((ran.code, ran.stderr.contains("cannot be reached")), (9, true), "{args:?}: {ran}");
    }
    // What only looks says what it does not know.
    let route = vk.run(&["route", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"]);
    assert!(route.code == 0 && format!("{route}").contains("cannot be reached"), "{route}");
    let doctor = vk.run(&["doctor"]);
    assert!(doctor.stdout.contains("broken") && doctor.stdout.contains("pg_isready -h 127.0.0.1"), "{doctor}");
    assert!(provider.requests().is_empty());
}

#[test]
fn the_password_is_in_the_keyring_or_a_variable_and_nowhere_else() {
    let Some(server) = Postgres::start_with("scram-sha-256", &["fsync=off"]) else { return };
    let provider = Provider::start([costs(15), costs(15)]);
    let vk = member("ann", &server, &provider);
    insta::assert_snapshot!(told(&refused(&vk), &server), @r#"
    error: the ledger postgres://vk@127.0.0.1:PORT/vk does not let this role in
      why: invalid configuration: password missing; vk spends nothing that it cannot record
      fix: vk keys add ledger --label team   # then key = "team" in [ledger]
    "#);
    let in_url = anthropic(&provider)
        .config(&format!("[ledger]\nurl = \"{}\"\n", server.url().replace("vk@", &format!("vk:{PASSWORD}@"))));
    let ran = in_url.run(&["cost"]);
    assert_eq!((ran.code, ran.stderr.contains(PASSWORD)), (2, false), "{ran}");
    assert!(ran.stderr.contains("vk keys add ledger --label team") && ran.stderr.contains("key = \"team\""), "{ran}");

    let vk = vk.config("key = \"env:TEAM_DB\"\n");
    let unset = refused(&vk);
    assert!(unset.stderr.contains("TEAM_DB is not set") && unset.stderr.contains("export TEAM_DB"), "{unset}");
    let wrong = member("ann", &server, &provider).config("key = \"env:TEAM_DB\"\n").var("TEAM_DB", "wrong-one");
    insta::assert_snapshot!(told(&refused(&wrong), &server), @r#"
    error: the ledger postgres://vk@127.0.0.1:PORT/vk does not let this role in
      why: password authentication failed for user "vk"; vk spends nothing that it cannot record
      fix: read -rs TEAM_DB && export TEAM_DB   # the password of vk
    "#);
    let vk = vk.var("TEAM_DB", PASSWORD);
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!((ran.code, ran.stderr.contains(PASSWORD)), (0, false), "{ran}");

    // Stored: bound to the server, tried by vk keys test, and never a payer.
    let vk = member("bob", &server, &provider);
    let vk = with_key(vk, "client-a").config("key = \"team\"\n").var("TEAM_DB", PASSWORD);
    let absent = vk.run(&["cost"]);
    assert_eq!((absent.code, absent.stderr.contains("vk keys add")), (9, true), "{absent}");
    let added = vk.run(&["keys", "add", "ledger", "--label", "team", "--from-env", "TEAM_DB"]);
    assert_eq!((added.code, added.stderr.contains("vk use")), (0, false), "{added}");
    let tested = vk.run(&["keys", "test", "team", "--output", "json"]);
    assert_eq!(tested.code, 0, "{tested}");
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let rows = json(&vk.run(&["cost", "--by", "user", "--output", "json"]));
    assert_eq!(rows["rows"].as_array().unwrap().len(), 2, "{rows}");
    let whoami = vk.run(&["whoami"]);
    assert!(!whoami.stdout.contains("team"), "{whoami}");
    // Another program is not given it.
    let named = anthropic(&provider)
        .config(&format!("[ledger]\nurl = \"{}\"\nkey = \"env:TEAM_DB\"\n", server.url()))
        .var("TEAM_DB", PASSWORD);
    let child = named.run(&[
        "exec",
        "--path",
        "byok",
        "--provider",
        "anthropic",
        "--key",
        "env:TEST_ANTHROPIC_KEY",
        "--",
        "sh",
        "-c",
        "env | grep -c ^TEAM_DB=",
    ]);
    assert_eq!(child.stdout.trim(), "0", "{child}");
}

#[test]
fn a_role_without_rights_and_a_database_that_is_not_there_are_told_apart() {
    let Some(server) = Postgres::start() else { return };
    server.sql("postgres", "CREATE ROLE guest LOGIN");
    let provider = Provider::start([]);
    let with = |role: &str, database: &str| {
        anthropic(&provider).config(&format!("[ledger]\nurl = \"{}\"\n", server.url_of(role, database)))
    };
    let (guest, none, unknown) = (with("guest", "vk"), with("vk", "none"), with("unknown", "vk"));
    insta::assert_snapshot!(told(&refused(&guest), &server), @r#"
    error: the role guest may not use the ledger postgres://guest@127.0.0.1:PORT/vk
      why: permission denied for database vk; vk spends nothing that it cannot record
      fix: psql -h 127.0.0.1 -p PORT -U postgres -d vk -c 'GRANT CREATE ON DATABASE "vk" TO "guest"'
           psql -h 127.0.0.1 -p PORT -U postgres -d vk -c 'GRANT USAGE ON SCHEMA vk TO "guest"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vk TO "guest"'   # where its tables are there already
    "#);
    insta::assert_snapshot!(told(&refused(&none), &server), @r#"
    error: there is no database for the ledger postgres://vk@127.0.0.1:PORT/none
      why: database "none" does not exist; vk spends nothing that it cannot record
      fix: createdb -h 127.0.0.1 -p PORT -U postgres -O vk none
    "#);
    insta::assert_snapshot!(told(&refused(&unknown), &server), @r#"
    error: the ledger postgres://unknown@127.0.0.1:PORT/vk does not let this role in
      why: role "unknown" does not exist; vk spends nothing that it cannot record
      fix: createuser -h 127.0.0.1 -p PORT -U postgres --pwprompt unknown
    "#);
    // What is offered does what it says: the role makes the tables, and another then uses them.
    server.sql("vk", "GRANT CREATE ON DATABASE vk TO guest");
    assert_eq!(guest.run(&["budget", "set", "9", "--per", "day", "--team"]).code, 0);
    server.sql("postgres", "CREATE ROLE reader LOGIN");
    let reader = with("reader", "vk");
    assert!(refused(&reader).stderr.contains("GRANT USAGE ON SCHEMA vk TO \"reader\""));
    server.sql("vk", "GRANT USAGE ON SCHEMA vk TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA vk TO reader");
    let list = json(&reader.run(&["budget", "list", "--output", "json"]));
    assert_eq!(list["budgets"][1]["limit_usd"], "9.00", "who may only read is told what there is: {list}");
    refused(&reader);
}

#[test]
fn a_server_that_does_not_prove_who_it_is_is_not_spoken_to() {
    let Some(server) = Postgres::start() else { return };
    let Some([right, wrong]) = server.require_tls() else { return };
    let provider = Provider::start([costs(15)]);
    let with = |file: &std::path::Path| {
        member("ann", &server, &provider).config(&format!("certificates = \"{}\"\n", file.display()))
    };
    let ran = with(&right).run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let told_of_it = told(&refused(&with(&wrong)), &server);
    assert!(told_of_it.contains("does not prove to be the right server"), "{told_of_it}");
    let absent = refused(&with(&server.data().join("none.pem")));
    assert!(absent.stderr.contains("none.pem"), "{absent}");
    // Another name of the same machine is not what the certificate is made out to.
    let other = anthropic(&provider).config(&format!(
        "[ledger]\nurl = \"{}\"\ncertificates = \"{}\"\n",
        server.url().replace("127.0.0.1", "localhost"),
        right.display()
    ));
    assert!(refused(&other).stderr.contains("does not prove to be the right server"));
    // Without certificates, this machine is spoken to in plain, which this server does not take.
    assert!(refused(&member("ann", &server, &provider)).stderr.contains("no encryption"));
}

#[test]
fn a_newer_schema_and_another_programs_are_refused_and_left_alone() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::start([]);
    let vk = member("ann", &server, &provider);
    assert_eq!(vk.run(&["budget", "set", "9", "--per", "day", "--team"]).code, 0);
    let latest = server.sql("vk", "SELECT version FROM vk.ledger_version");
    server.sql("vk", "UPDATE vk.ledger_version SET version = 99");
    let told_of_it = told(&refused(&vk), &server).replace(&format!("knows {latest}"), "knows LATEST");
    insta::assert_snapshot!(told_of_it, @"
    error: the ledger postgres://vk@127.0.0.1:PORT/vk was written by a newer vk (schema 99, this one knows LATEST)
      why: this version would misread it, and changes nothing in it
      fix: vk --version   # then install the newer vk
    ");
    assert_eq!(server.sql("vk", "SELECT version FROM vk.ledger_version"), "99");
    server.sql("vk", "DROP SCHEMA vk CASCADE; CREATE SCHEMA vk; CREATE TABLE vk.photos (name TEXT)");
    insta::assert_snapshot!(told(&refused(&vk), &server), @"
    error: the schema vk of postgres://vk@127.0.0.1:PORT/vk belongs to another program
      why: it is left as it is
      fix: createdb -h 127.0.0.1 -p PORT -U postgres -O vk vk_ledger   # and name it in [ledger] url
    ");
    assert_eq!(vk.run(&["cost"]).code, 9);
}

#[test]
fn an_older_schema_is_brought_forward_once_by_whoever_comes_first() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::start([]);
    // As the first version of the schema left it.
    let first = include_str!("../../../src/ledger/migrations/0001.sql");
    let first =
        first.replace(") STRICT, WITHOUT ROWID;", ");").replace(") STRICT;", ");").replace(" INTEGER", " BIGINT");
    let made = format!(
        "CREATE SCHEMA vk; SET search_path = vk; CREATE TABLE ledger_version (version BIGINT NOT NULL);
         INSERT INTO ledger_version VALUES (1); {first}
         INSERT INTO counters VALUES ('global', '', 1, 2, 3, 4)"
    );
    server.sql("vk", &made);
    let members: Vec<Vk> = ["ann", "bob", "eve"].map(|name| member(name, &server, &provider)).into_iter().collect();
    let children: Vec<_> = members
        .iter()
        .map(|vk| vk.command(&["budget", "set", "9", "--per", "day", "--team"]).spawn().unwrap())
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let latest: u32 = server.sql("vk", "SELECT version FROM vk.ledger_version").parse().unwrap();
    assert!(latest >= 3, "{latest}");
    assert_eq!(server.sql("vk", "SELECT settled FROM vk.counters"), "2", "its rows are kept");
}

#[test]
fn a_server_that_is_restarted_in_the_middle_of_a_task_is_found_again() {
    let Some(mut server) = Postgres::start() else { return };
    let gate = Gate::default();
    let provider = Provider::start([at_gate(&gate)]);
    let vk = member("ann", &server, &provider);
    let child = vk.command(&[&ANTHROPIC[..], &["go"]].concat()).spawn().unwrap();
    wait_for(|| !provider.captured().is_empty());
    server.stop();
    gate.open();
    server.run();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cost = json(&vk.run(&["cost", "--output", "json"]));
    assert_eq!(
        (&cost["rows"][0]["billed_usd"], &cost["rows"][0]["status"]),
        (&json!("0.15"), &json!("done")),
        "{cost}"
    );
}

#[test]
fn what_a_call_cost_is_said_where_the_ledger_is_lost_and_recorded_once_it_is_back() {
    let Some(mut server) = Postgres::start() else { return };
    let gate = Gate::default();
    let provider = Provider::start([at_gate(&gate)]);
    let vk = member("ann", &server, &provider);
    let child = vk.command(&[&ANTHROPIC[..], &["--output", "json", "go"]].concat()).spawn().unwrap();
    wait_for(|| !provider.captured().is_empty());
    server.stop();
    gate.open();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let finished: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((finished["exit_code"].as_u64(), finished["status"].as_str()), (Some(9), Some("ledger")), "{finished}");
    assert_eq!(finished["cost_usd"], "0.15", "what was spent is said: {finished}");
    let error = &finished["error"];
    assert!(
        error["message"].as_str().unwrap().contains("cost $0.15, and the ledger has only that it may cost"),
        "{error}"
    );
    let fix = error["fix"].as_str().unwrap().lines().find(|line| line.starts_with("vk budget settle")).unwrap();

    // Back, and a minute later.
    server.run();
    server.sql("vk", "UPDATE vk.tasks SET lease_until = lease_until - 61000");
    let list = json(&vk.run(&["budget", "list", "--output", "json"]));
    let uncertain = list["uncertain"].as_array().unwrap();
    assert_eq!(uncertain.len(), 1, "{list}");
    let words: Vec<&str> = fix.split('#').next().unwrap().split_whitespace().skip(1).collect();
    assert_eq!(uncertain[0]["attempt_id"], words[2], "{list}");
    let settled = vk.run(&words);
    assert_eq!(settled.code, 0, "{settled}");
    let cost = json(&vk.run(&["cost", "--output", "json"]));
    assert_eq!(
        (&cost["rows"][0]["billed_usd"], &cost["rows"][0]["cost_state"]),
        (&json!("0.15"), &json!("billed")),
        "{cost}"
    );
}

/// An answer of 15 cents that waits for the test.
fn at_gate(gate: &Gate) -> Script {
    let turn = Turn::say("done").model("claude-sonnet-5-5").tokens(0, 15_000);
    Script::sse(&turn.anthropic()).behind(gate)
}

fn wait_for(happened: impl Fn() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "it did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}
