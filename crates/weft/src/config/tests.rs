//! Tests of the configuration: what is read, and what is refused with which sentence.

use super::*;

const WHOLE: &str = r#"
listen = "127.0.0.1:0"
store = "data/weft.db"
step = "5m"
retention = "60d"
learn = "14d"
policy = "policy.yaml"

[metrics]
prometheus = "http://127.0.0.1:9090"
preset = "libvirt"
token_file = "secret"

[metrics.options]
matchers = 'cluster="east"'
"#;

fn parsed(text: &str) -> anyhow::Result<Config> {
    Config::parse(Path::new("/etc/weft/weft.toml"), text)
}

#[test]
fn a_file_is_read_with_its_folder_and_defaults() {
    let config = parsed(WHOLE).expect("a sound file");
    assert_eq!(config.store, Path::new("/etc/weft/data/weft.db"));
    assert_eq!(config.policy.as_deref(), Some(Path::new("/etc/weft/policy.yaml")));
    assert_eq!((config.retention, config.learn), (Span::from_days(60), Span::from_days(14)));
    let Source::Prometheus(metrics) = &config.source else { panic!("it has [metrics]") };
    assert_eq!(metrics.preset.name, "libvirt");
    assert_eq!(metrics.options.matchers, "cluster=\"east\"");
    assert_eq!(metrics.server.credentials, CredentialFiles::Bearer("/etc/weft/secret".into()));
    let least = parsed("[metrics]\nprometheus = \"http://m\"\npreset = \"node\"\n").expect("least");
    assert_eq!(least.listen, default_listen());
    assert_eq!(least.store, Path::new("/etc/weft/weft.db"));
    assert_eq!(least.read_policy().expect("the default").mode, Mode::Advise);
}

#[test]
fn a_wrong_file_is_told_in_one_sentence_with_its_place() {
    let check = |text: &str, expected: &str| {
        let error = parsed(text).expect_err(expected).to_string();
        assert!(error.starts_with("/etc/weft/weft.toml"), "{error}");
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
        assert!(!error.contains('\n'), "{error}");
    };
    let with = |line: &str| WHOLE.replace("policy = \"policy.yaml\"", line);
    check("", "expected a section [metrics], found none");
    check(&with("polcy = 1"), "line 7, column 1: unknown field `polcy`");
    check(&with("fleet = 1"), "line 7, column 9: invalid type: integer `1`, expected path string");
    check(&WHOLE.replace("14d", "90d"), "learn: expected 2d to 35d, found 90d");
    check(&WHOLE.replace("60d", "3d"), "retention: expected at least as long as `learn` (14d)");
    check(&WHOLE.replace("libvirt", "vmware"), "expected a preset (libvirt");
    check(&WHOLE.replace("token_file", "user"), "expected `token_file`, or `user`");
    check(&format!("{WHOLE}[simulated]\naddress = \"x\"\n"), "found both");
    check(&WHOLE.replace("\"5m\"", "\"5\""), "line 4");
}

#[test]
fn a_policy_that_moves_needs_something_that_moves() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.yaml");
    let file = folder.path().join("weft.toml");
    let config = Config::parse(&file, WHOLE).expect("a sound file");
    std::fs::write(&path, "mode: auto\n").expect("written");
    let error = config.read_policy().expect_err("nothing moves").to_string();
    assert!(error.contains("expected at most advise"), "{error}");
    std::fs::write(&path, "mode: advise\nconfidence: 0.9\n").expect("written");
    assert_eq!(config.read_policy().expect("sound").mode, Mode::Advise);
    let secretless = match &config.source {
        Source::Prometheus(metrics) => {
            metrics.server.client().expect_err("no such file").to_string()
        }
        Source::Simulated { .. } => unreachable!("it has [metrics]"),
    };
    assert!(secretless.starts_with("expected a secret in "), "{secretless}");
}

const RECEIVERS: &str = r#"
[alerts]
dashboard = "https://weft.example"

[[alerts.alertmanager]]
url = "http://am-1:9093"
user = "weft"
password_file = "am.secret"

[[alerts.alertmanager]]
url = "http://am-2:9093"
minimum = "critical"
labels = { team = "infra" }

[[alerts.webhook]]
name = "chat"
url = "https://chat.example/hooks/some-secret-path"
secret_file = "chat.secret"
minimum = "info"
"#;

#[test]
fn receivers_of_alerts_are_read() {
    let config = parsed(&format!("{WHOLE}{RECEIVERS}")).expect("a sound file");
    assert_eq!(config.alerts.dashboard, "https://weft.example");
    let said: Vec<_> = config
        .alerts
        .receivers
        .iter()
        .map(|r| (r.name.as_str(), r.kind.name(), r.minimum.name()))
        .collect();
    let expected = [
        ("am-1:9093", "alertmanager", "warning"),
        ("am-2:9093", "alertmanager", "critical"),
        ("chat", "webhook", "info"),
    ];
    assert_eq!(said, expected);
    let ReceiverKind::Webhook { secret_file } = &config.alerts.receivers[2].kind else {
        panic!("it is a webhook")
    };
    assert_eq!(secret_file, Path::new("/etc/weft/chat.secret"));
    let none = parsed(WHOLE).expect("a sound file").alerts;
    assert_eq!((none.dashboard.as_str(), none.receivers.len()), ("http://127.0.0.1:0", 0));
}

#[test]
fn a_wrong_receiver_is_told_in_one_sentence() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = format!("{WHOLE}{RECEIVERS}").replace(from, to);
        let error = parsed(&text).expect_err(expected).to_string();
        assert!(error.contains(expected) && !error.contains('\n'), "{expected:?} in {error:?}");
        assert!(!error.contains("hunter2"), "{error}");
    };
    check(
        "http://am-2",
        "http://am-1",
        "alerts: expected receivers with names of their own, found `am-1:9093` twice",
    );
    check("password_file", "token_file", "alerts.alertmanager: expected `token_file`, or `user`");
    check("secret_file", "secret", "unknown field `secret`");
    check("secret_file = \"chat.secret\"", "", "missing field `secret_file`");
    check(
        "\"critical\"",
        "\"bad\"",
        "unknown variant `bad`, expected one of `info`, `warning`, `critical`",
    );
    check(
        "team =",
        "\"te am\" =",
        "alerts.alertmanager.labels: expected names of letters, digits and underscores, found `te am`",
    );
    check(
        "https://chat",
        "https://me:hunter2@chat",
        "alerts.webhook: expected an http or https address without a user",
    );
    check(
        "https://weft.example",
        "weft.example",
        "alerts.dashboard: expected an http or https address",
    );
}

#[test]
fn a_secret_must_not_be_guessed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("weft.toml");
    let text = format!(
        "{WHOLE}{}",
        RECEIVERS.replace("user = \"weft\"\npassword_file = \"am.secret\"\n", "")
    );
    let config = Config::parse(&file, &text).expect("a sound file");
    let refused = || config.alerts.receivers().expect_err("no good secret").to_string();
    assert!(refused().starts_with("expected a secret in "), "{}", refused());
    std::fs::write(folder.path().join("chat.secret"), "short\n").expect("written");
    assert!(refused().contains("at least 16 characters in ") && refused().ends_with("found 5"));
    std::fs::write(folder.path().join("chat.secret"), "sixteen letters!\n").expect("written");
    assert_eq!(config.alerts.receivers().expect("a good secret").len(), 3);
}
