//! Looks at a program for macOS that this machine cannot run.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use object::macho::{
    CPU_TYPE_ARM64, CPU_TYPE_X86_64, DYNAMIC_LOOKUP_ORDINAL, LC_CODE_SIGNATURE, LinkeditDataCommand, MH_EXECUTE,
    MH_PIE, MachHeader64,
};
use object::read::macho::{MachHeader as _, MachOFile64, Nlist as _};
use object::{Endianness, Object as _, ObjectSymbol as _};

/// The frameworks of Apple's that kubeseal's https and proxies are made of.
pub(super) const FRAMEWORKS: [&str; 3] = ["CoreFoundation", "Security", "SystemConfiguration"];

/// How the names of what these frameworks have begin, as the linker writes them.
const SYMBOLS: [&str; 5] = ["_CF", "_kCF", "_SC", "_Sec", "_kSec"];

/// Libraries that every macOS has. (`libcharset` is libiconv's, which hands it on.)
const LIBRARIES: [&str; 4] = [
    "libSystem.B.dylib",
    "libiconv.2.dylib",
    "libcharset.1.dylib",
    "libobjc.A.dylib",
];

/// How a code signature begins, in the byte order of networks.
const SIGNATURE: [u8; 4] = [0xfa, 0xde, 0x0c, 0xc0];

/// That this is a program for the target, loads nothing but what every macOS has, and is signed where the processor asks for it.
///
/// # Errors
/// The file is not so; the message names the fault.
pub(super) fn check(bytes: &[u8], target: &str) -> Result<()> {
    let file: MachOFile64<'_, Endianness> = MachOFile64::parse(bytes).context("not a Mach-O file of 64 bits")?;
    let (endian, header) = (file.endian(), file.macho_header());
    let arm64 = target.starts_with("aarch64");
    let cpu = if arm64 { CPU_TYPE_ARM64 } else { CPU_TYPE_X86_64 };
    ensure!(header.cputype(endian) == cpu, "it is for another processor");
    ensure!(header.filetype(endian) == MH_EXECUTE, "it is not a program");
    ensure!(header.flags(endian) & MH_PIE != 0, "it has a fixed address");
    let (libraries, signed) = commands(bytes, header)?;
    let others: Vec<_> = libraries.iter().filter(|library| !is_of_macos(library)).collect();
    ensure!(others.is_empty(), "it loads {others:?}");
    ensure!(
        libraries.contains("/usr/lib/libSystem.B.dylib"),
        "it does not load libSystem"
    );
    ensure!(
        signed || !arm64,
        "it has no code signature: macOS runs none such on ARM"
    );
    for symbol in file.symbols().filter(object::ObjectSymbol::is_undefined) {
        let (name, from) = (symbol.name()?, symbol.macho_symbol().library_ordinal(endian));
        if from == DYNAMIC_LOOKUP_ORDINAL && !SYMBOLS.iter().any(|start| name.starts_with(start)) {
            bail!("it needs {name}, which no library has");
        }
    }
    Ok(())
}

/// The libraries it loads, and whether it is signed.
fn commands<'f>(bytes: &'f [u8], header: &MachHeader64<Endianness>) -> Result<(BTreeSet<&'f str>, bool)> {
    let endian = header.endian()?;
    let (mut libraries, mut signed) = (BTreeSet::new(), false);
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        if let Some(loaded) = command.dylib()? {
            libraries.insert(std::str::from_utf8(command.string(endian, loaded.dylib.name)?)?);
        }
        if command.cmd() == LC_CODE_SIGNATURE {
            let place: &LinkeditDataCommand<Endianness> = command.data()?;
            let (start, length) = (place.dataoff.get(endian) as usize, place.datasize.get(endian) as usize);
            let signature = bytes.get(start..).and_then(|rest| rest.get(..length));
            signed = signature.is_some_and(|signature| signature.starts_with(&SIGNATURE));
        }
    }
    Ok((libraries, signed))
}

fn is_of_macos(library: &str) -> bool {
    let framework = |name| format!("/System/Library/Frameworks/{name}.framework/Versions/A/{name}");
    LIBRARIES
        .iter()
        .any(|name| library.strip_prefix("/usr/lib/") == Some(name))
        || FRAMEWORKS.iter().any(|name| library == framework(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARM64: &str = "aarch64-apple-darwin";

    /// A program of nothing but its header, the libraries that it loads and a signature.
    fn program(cpu: u32, filetype: u32, libraries: &[&str], signature: [u8; 4]) -> Vec<u8> {
        let mut commands = Vec::new();
        for library in libraries {
            let mut name = library.as_bytes().to_vec();
            name.resize(name.len() / 8 * 8 + 8, 0);
            let length = 24 + u32::try_from(name.len()).unwrap();
            for word in [0xc, length, 24, 0, 0, 0] {
                commands.extend(u32::to_le_bytes(word));
            }
            commands.extend(name);
        }
        let end = 32 + u32::try_from(commands.len()).unwrap() + 16;
        for word in [LC_CODE_SIGNATURE, 16, end, 4] {
            commands.extend(word.to_le_bytes());
        }
        let (count, length) = (libraries.len() as u32 + 1, commands.len() as u32);
        let header = [0xfeed_facf, cpu, 0, filetype, count, length, MH_PIE, 0];
        let mut bytes: Vec<u8> = header.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        bytes.extend(commands);
        bytes.extend(signature);
        bytes
    }

    fn fault(bytes: &[u8], target: &str) -> String {
        check(bytes, target).unwrap_err().to_string()
    }

    #[test]
    fn program_for_macos() {
        let system = "/usr/lib/libSystem.B.dylib";
        let security = "/System/Library/Frameworks/Security.framework/Versions/A/Security";
        let good = program(CPU_TYPE_ARM64, MH_EXECUTE, &[system, security], SIGNATURE);
        check(&good, ARM64).unwrap();
        assert_eq!(fault(&good, "x86_64-apple-darwin"), "it is for another processor");
        assert_eq!(fault(b"\x7fELF", ARM64), "not a Mach-O file of 64 bits");
        let with = |libraries: &[&str]| program(CPU_TYPE_ARM64, MH_EXECUTE, libraries, SIGNATURE);
        assert_eq!(fault(&with(&[security]), ARM64), "it does not load libSystem");
        let foreign = "/opt/homebrew/lib/libssl.3.dylib";
        assert_eq!(
            fault(&with(&[system, foreign]), ARM64),
            format!("it loads {:?}", [foreign])
        );
        let object = program(CPU_TYPE_ARM64, 1, &[system], SIGNATURE);
        assert_eq!(fault(&object, ARM64), "it is not a program");
        let unsigned = program(CPU_TYPE_ARM64, MH_EXECUTE, &[system], [0; 4]);
        assert_eq!(
            fault(&unsigned, ARM64),
            "it has no code signature: macOS runs none such on ARM"
        );
        check(
            &program(CPU_TYPE_X86_64, MH_EXECUTE, &[system], [0; 4]),
            "x86_64-apple-darwin",
        )
        .unwrap();
    }
}
