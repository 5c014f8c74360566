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
