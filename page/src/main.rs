//! The program of the page: a request on stdin, an answer on stdout, both JSON. Compiled for `wasm32-wasip1` it runs in a browser,
//! where `page.js` gives it these two, random bytes, and nothing else.

mod answer;

use std::io::{self, Read as _, Write as _};

use zeroize::Zeroizing;

fn main() -> io::Result<()> {
    let mut request = Zeroizing::new(Vec::new());
    io::stdin().lock().read_to_end(&mut request)?;
    io::stdout().lock().write_all(&answer::answer(&request))
}
