use super::*;

const PIN: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn read(text: &str) -> Result<Project, ProjectError> {
    Project::read(text.as_bytes())
}

fn chosen(project: &Project, file: &str) -> Result<String, String> {
    project
        .cluster_for(Path::new(file))
        .map(|cluster| cluster.name.clone())
        .map_err(|error| error.to_string())
}

#[test]
fn a_file_gets_the_cluster_of_its_folder_and_never_another() {
    let project = read(
        "clusters:\n  prod:\n    cert: prod.pem\n    folders: [environments/prod, 'apps/*/prod', '**/*.prod.yaml']\n  \
         dev:\n    cert: dev.pem\n    folders: [environments/dev/, ./apps/*/dev/**]\n  spare: {cert: spare.pem}\n",
    )
    .unwrap();
    let cases = [
        ("environments/prod/x.yaml", "prod"),
        ("environments/prod/deep/er/x.yaml", "prod"),
        ("environments/dev/x.yaml", "dev"),
        ("apps/shop/prod/x.yaml", "prod"),
        ("apps/shop/dev/x.yaml", "dev"),
        ("x.prod.yaml", "prod"),
        ("a/b/x.prod.yaml", "prod"),
    ];
    for (file, expected) in cases {
        assert_eq!(chosen(&project, file).as_deref(), Ok(expected), "{file}");
    }
    for none in [
        "x.yaml",
        "environments/x.yaml",
        "environments/production/x.yaml",
        "apps/a/b/prod/x.yaml",
    ] {
        let expected = format!("no cluster is for {none} (there are dev, prod, spare)");
        assert_eq!(chosen(&project, none), Err(expected));
    }
    assert_eq!(
        chosen(&project, "environments/dev/x.prod.yaml").unwrap_err(),
        "environments/dev/x.prod.yaml is in folders of several clusters: dev, prod"
    );
    assert_eq!(project.cluster("spare").unwrap().name, "spare");
    assert_eq!(
        project.cluster("staging").unwrap_err().to_string(),
        "there is no cluster staging in it (there are dev, prod, spare)"
    );
}

#[test]
fn the_only_cluster_needs_no_folders() {
    let project = read("clusters: {only: {cert: certs/only.pem}}").unwrap();
    assert_eq!(chosen(&project, "any/where.yaml").as_deref(), Ok("only"));
    let project = read("clusters: {only: {cert: c.pem, folders: [a]}}").unwrap();
    assert!(chosen(&project, "b/x.yaml").is_err());
    let project = read("clusters: {only: {cert: c.pem, folders: [.]}}").unwrap();
    assert_eq!(chosen(&project, "b/x.yaml").as_deref(), Ok("only"));
}

#[test]
fn certificates_are_files_pinned_urls_or_from_controllers() {
    let cert =
        |text: &str| read(&format!("clusters: {{c: {{{text}}}}}")).map(|project| project.clusters[0].cert.clone());
    let pin: Pin = PIN.parse().unwrap();
    assert_eq!(cert("cert: a/b.pem"), Ok(ProjectCert::File("a/b.pem".into(), None)));
    assert_eq!(
        cert(&format!("cert: b.pem, fingerprint: '{PIN}'")),
        Ok(ProjectCert::File("b.pem".into(), Some(pin.clone())))
    );
    assert_eq!(
        cert(&format!("cert: 'https://x/y', fingerprint: '{PIN}'")),
        Ok(ProjectCert::Url(Url::parse("https://x/y").unwrap(), pin.clone()))
    );
    let service = ServiceName {
        namespace: "secure".to_owned(),
        name: "seals".to_owned(),
    };
    assert_eq!(
        cert("controller: secure/seals"),
        Ok(ProjectCert::Controller(service.clone(), None))
    );
    assert_eq!(
        cert(&format!("controller: secure/seals, fingerprint: '{PIN}'")),
        Ok(ProjectCert::Controller(service, Some(pin)))
    );
}

fn refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(text).unwrap_err().to_string(), *expected, "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line() {
    refused(&[
        ("", "the project file is empty"),
        ("clusters: {}", "document 1, line 1: `clusters` names no cluster"),
        (
            "# x\ncluster: {}",
            "document 1, line 2: there is no field `cluster` here (only clusters)",
        ),
        (
            "clusters:\n  a:\n    cert: x\n    folder: y",
            "document 1, line 4: there is no field `folder` here (only cert, controller, fingerprint, folders, format)",
        ),
        (
            "clusters:\n  a:\n    folders: []",
            "document 1, line 3: cluster a needs either `cert` or `controller`",
        ),
        (
            "clusters:\n  a:\n    cert: x\n    controller: a/b",
            "document 1, line 4: cluster a needs either `cert` or `controller`",
        ),
        (
            "clusters:\n  a:\n    controller: sealed-secrets",
            "document 1, line 3: the controller of cluster a must be NAMESPACE/NAME of its Service",
        ),
        (
            "clusters:\n  a: {cert: x}\n  b:\n    controller: a/b",
            "document 1, line 4: cluster b asks a controller and the file names other clusters too, so it must pin the key's \
             `fingerprint`",
        ),
        (
            "clusters:\n  a: {cert: x}\n  a: {cert: x}",
            "document 1, line 3: the key \"a\" is given twice",
        ),
        (
            "clusters:\n  a:\n    cert: x\n    folders:\n    - ok\n    - ../b",
            "document 1, line 6: the folder \"../b\": it must be inside the folder of the project file",
        ),
        (
            "clusters:\n  a:\n    cert: x\n    folders: ['a[']",
            "document 1, line 4: the folder \"a[\": unclosed character class; missing ']'",
        ),
        (
            "clusters:\n  a: {cert: x}\n---\nclusters: {}",
            "document 2, line 4: a project file is one document",
        ),
    ]);
}

#[test]
fn certificates_that_make_no_sense_are_refused_with_their_line() {
    refused(&[
        (
            "clusters:\n  a:\n    cert: https://x/y",
            "document 1, line 3: cluster a takes its certificate from a URL, so it must pin the key's `fingerprint`",
        ),
        (
            "clusters:\n  a:\n    cert: http://x/y",
            "document 1, line 3: the certificate of cluster a must be a file of the repository or an https URL",
        ),
        (
            "clusters:\n  a:\n    cert: /etc/x.pem",
            "document 1, line 3: the certificate of cluster a must be a file of the repository or an https URL",
        ),
        (
            "clusters:\n  a:\n    cert: x\n    fingerprint: SHA256:x",
            "document 1, line 4: not a fingerprint (`SHA256:` or `v2:SHA256:`, and 43 base64 characters)",
        ),
    ]);
}

#[test]
fn the_documented_example_is_understood() {
    let page = include_str!("../../../docs/project-file.md");
    let example = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let project = read(example).unwrap();
    assert_eq!(chosen(&project, "apps/shop/dev/db.yaml").as_deref(), Ok("dev"));
}

/// Project files are untrusted: each is read, or refused with a hint.
#[test]
fn changed_files_are_read_or_refused() {
    const MARKS: &[u8] = b"{}[]:-\"'\n #*&!|>%?,./\0\x7f\xff";
    let page = include_str!("../../../docs/project-file.md");
    let texts: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut read_ones = 0;
    for _ in 0..5_000 {
        let mut text = texts[random(texts.len())].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(text.len());
            match random(4) {
                0 => text[at] = MARKS[random(MARKS.len())],
                1 => text.insert(at, MARKS[random(MARKS.len())]),
                2 => drop(text.drain(at..(at + 1 + random(20)).min(text.len()))),
                _ => {
                    let part = text[at..(at + 40).min(text.len())].to_vec();
                    let to = random(text.len());
                    text.splice(to..to, part);
                }
            }
            text.push(b'\n');
        }
        match Project::read(&text) {
            Ok(project) => {
                read_ones += 1;
                for cluster in project.clusters() {
                    assert_eq!(project.cluster(&cluster.name).unwrap().name, cluster.name);
                    let is_url = matches!(cluster.cert, ProjectCert::Url(..));
                    assert!(!is_url || cluster.cert.pin().is_some(), "a URL without a pin");
                }
                let _ = chosen(&project, "apps/shop/dev/db.yaml");
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
        }
    }
    assert!((500..4_500).contains(&read_ones), "{read_ones} were read");
}
