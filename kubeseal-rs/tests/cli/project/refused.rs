//! Files that are for no cluster of the project file, or for two.

use super::*;

#[test]
fn what_is_for_no_cluster_or_for_two_is_refused_and_nothing_is_written() {
    let folder = repository();
    folder.put("environments/prod/db.yaml", SECRET);
    folder.put("db.yaml", SECRET);
    let before = folder.tree();
    let none = folder.run("seal db.yaml", "");
    assert_eq!(
        told(&none),
        (
            1,
            "",
            "error: .kubeseal.yaml: no cluster is for db.yaml (there are dev, prod)\n\
             hint: add a pattern that fits db.yaml to the `folders` of its cluster, or say the cluster for this file \
             alone: kubeseal seal db.yaml --for-cluster NAME\n"
        )
    );
    let both = folder.run("-f environments/prod/db.yaml -w environments/dev/db.sealed.yaml", "");
    assert_eq!(
        told(&both),
        (
            1,
            "",
            "error: .kubeseal.yaml: environments/prod/db.yaml is for cluster prod, but environments/dev/db.sealed.yaml is \
             for cluster dev\nhint: write the result into a folder of the same cluster, or say it: --for-cluster NAME\n"
        )
    );
    let stdin = folder.run("", SECRET);
    assert_eq!(
        told(&stdin),
        (
            1,
            "",
            "error: .kubeseal.yaml: no cluster is for the current folder, in which stdin and bare values count as lying (there \
             are dev, prod)\nhint: name the file that is read or written (-f FILE, -w FILE), or say the cluster: --for-cluster \
             NAME\n"
        )
    );
    let unknown = folder.run("--for-cluster staging", SECRET);
    assert_eq!(
        told(&unknown),
        (
            1,
            "",
            "error: .kubeseal.yaml: there is no cluster staging in it (there are dev, prod)\n\
             hint: --for-cluster NAME takes one of these\n"
        )
    );
    assert_eq!(folder.tree(), before);
}

#[test]
fn hints_for_bare_values_keep_what_was_typed() {
    let folder = repository();
    folder.put("environments/prod/value", "v");
    let value = "--from-file environments/prod/value";
    for (typed, hint) in [
        (
            format!("--raw --name db -n shop {value}"),
            format!(
                "say the cluster: kubeseal --for-cluster NAME --raw --name db -n shop {value}, or run it in a directory of that \
                 cluster's folders"
            ),
        ),
        (
            format!("--raw {value}"),
            format!("kubeseal --name NAME --namespace NAMESPACE --raw {value}"),
        ),
        (
            format!("--raw -n shop {value}"),
            format!("kubeseal --name NAME --raw -n shop {value}"),
        ),
    ] {
        let run = folder.run(&typed, "");
        assert!(
            run.code == 1 && run.stderr.ends_with(&format!("\nhint: {hint}\n")),
            "{}",
            run.told
        );
    }
}
