//! `page`: the certificate is filled in. What the page then does in a browser is tested with a browser (`tests/tests/page`).

use crate::program::Folder;

const PAGE: &str = "<html><template id=\"row\">row</template><template id=\"given-certificate\"></template></html>";

#[test]
fn the_certificate_is_filled_in_and_nothing_else_changes() {
    let folder = Folder::with_keys();
    folder.put("page.html", PAGE);
    let filled = folder.run("page --cert test-only.crt --page page.html", "").ok();
    let (before, after) = filled.split_once("-----BEGIN CERTIFICATE-----").unwrap();
    assert!(before.ends_with("<template id=\"given-certificate\">"), "{before}");
    let (base64, after) = after.split_once("-----END CERTIFICATE-----").unwrap();
    assert!(
        !base64.contains('<') && folder.text("test-only.crt").contains(base64),
        "{base64}"
    );
    assert_eq!(after.trim_start(), "</template></html>");
}

#[test]
fn what_is_no_page_and_what_is_no_certificate_are_named() {
    let folder = Folder::with_keys();
    let failed = |flags: &str| {
        let run = folder.run(flags, "");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
        run.stderr
    };
    let nowhere = failed("page --cert test-only.crt");
    assert!(
        nowhere.contains("--page") && nowhere.contains("cargo xtask page"),
        "{nowhere}"
    );
    folder.put("other.html", "<html></html>");
    let other = failed("page --cert test-only.crt --page other.html");
    assert!(other.contains("other.html: not the page"), "{other}");
    folder.put("page.html", PAGE);
    let filled = folder.run("page --cert test-only.crt --page page.html", "").ok();
    folder.put("filled.html", &filled);
    let filled = failed("page --cert test-only.crt --page filled.html");
    assert!(filled.contains("not the page"), "{filled}");
    let broken = folder.text("test-only.crt").replace("MII", "M!!");
    folder.put("broken.pem", &broken);
    let broken = failed("page --cert broken.pem --page page.html");
    assert!(broken.contains("broken.pem"), "{broken}");
}
