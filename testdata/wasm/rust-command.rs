//! A program instead of a module of steps, in Rust with its standard library: `fn main`, standard input and output.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;

fn main() {
    let step = std::env::args().nth(1).expect("the step");
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).expect("standard input");
    match step.as_str() {
        "set_redirect_uris" if input.contains("//evil.example/") => {
            eprintln!("a host that is not welcome");
            println!(r#"{{"refuse":{{"error":"invalid_redirect_uri","error_description":"not to this host"}}}}"#);
            std::process::exit(1);
        }
        "set_redirect_uris" => println!(r#"{{"patch":{{"redirect_uris":["https://app.example/rust"],"application_type":"web"}}}}"#),
        "add_client_id" => println!(r#"{{"client_id":"rust-{:016x}"}}"#, RandomState::new().build_hasher().finish()),
        other => panic!("{other} is no step of this program"),
    }
}
