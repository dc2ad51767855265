//! On macOS an extension must be linked so that it looks for Python's symbols when it is loaded.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
