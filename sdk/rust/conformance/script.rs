//! The conformance kit: every step does what the configuration says of it.

mod helpers;

use registrar::json::{Document, Object};
use registrar::{
    base, caller, client, client_exists, config, context, fail, hex, item, log, now, patch, patch_json, patch_request,
    patch_request_json, random, refuse, request, set_client_id, set_client_secret, set_item, statement, steps, Expires,
    Level, Outcome,
};

macro_rules! kit {
    ($($step:ident),+ $(,)?) => {
        $(fn $step() -> Outcome { act(stringify!($step)) })+
        steps!($($step),+);
    };
}

kit!(
    validate_software_statement,
    set_grant_types,
    set_redirect_uris,
    set_scopes,
    set_default_scopes,
    set_secrets,
    set_client_name,
    set_logout_parameters,
    set_max_age,
    set_user_interface_properties,
    set_public_client_properties,
    set_access_token_properties,
    set_id_token_properties,
    set_server_side_session_properties,
    add_client_id,
    add_client_secret,
    generate_secret,
    build_response,
);

fn act(step: &str) -> Outcome {
    let config = config();
    let action =
        config.get("steps").and_then(|steps| steps.get(step)).and_then(|action| action.as_str()).unwrap_or_default();
    match &*action {
        "" => base(),
        "observe" => observe(&config),
        "patch" => patch_twice(),
        "patch_request" => patch_request_twice(),
        "id" => {
            set_client_id(&format!("kit-{}", hex(&random::<8>())));
            Ok(())
        }
        "secret" => {
            set_client_secret(&hex(&random::<32>()), Expires::In(3600));
            Ok(())
        }
        "remember" => {
            set_item("k", "v");
            base()
        }
        "refuse" => {
            refuse(&config.string("code").unwrap_or_default(), config.string("description").unwrap_or_default())
        }
        "overrule" => {
            let _ = base();
            Ok(())
        }
        "fail" => fail("as the configuration says"),
        "panic" => panic!("as the configuration says"),
        "uris" => {
            helpers::uris(&config);
            base()
        }
        "checksums" => {
            helpers::checksums(&config);
            base()
        }
        "random_text" => {
            helpers::random(&config);
            base()
        }
        "tagged" => {
            base()?;
            helpers::tagged(&config);
            Ok(())
        }
        "levels" => {
            log(Level::Debug, "debug");
            log(Level::Info, "info");
            log(Level::Warn, "warn");
            log(Level::Error, "error");
            base()
        }
        require if require.starts_with("require-") => {
            log(Level::Info, format!("value={}", required(&config, require)));
            base()
        }
        other => panic!("no action is called {other}"),
    }
}

fn observe(config: &Document) -> Outcome {
    let (context, caller) = (context(), caller());
    let none = || "none".to_string();
    let (one, other) = (random::<16>(), random::<16>());
    let say = |name: &str, value: &str| log(Level::Info, format!("{name}={value}"));
    say("operation", &context.operation());
    say("step", &context.step());
    say("mode", &context.mode());
    say("client_name", &request().client_name().unwrap_or_default());
    say("client_id", &client().client_id().unwrap_or_else(none));
    say("auth", &caller.auth());
    say("subject", &caller.subject().unwrap_or_default());
    say("scopes", &caller.scopes().join(" "));
    say("note", &config.string("note").unwrap_or_default());
    say("software_id", &statement().and_then(|claims| claims.string("software_id")).unwrap_or_else(none));
    say("exists", &client_exists("taken").to_string());
    say("item", &item("k").unwrap_or_else(none));
    say("now", &now().to_string());
    say("random", &(one != other && one != [0; 16] && other != [0; 16]).to_string());
    base()
}

/// Returns the member "value" of the configuration, which must have the type that the action names.
fn required(config: &Document, action: &str) -> String {
    let value = config.require("value");
    match action {
        "require-text" => value.string(),
        "require-strings" => value.strings().join("|"),
        "require-int" => value.i64().to_string(),
        "require-bool" => value.bool().to_string(),
        "require-object" => value.object().get("x").and_then(|x| x.as_str()).unwrap_or_default().into_owned(),
        "require-inside" => value.require("inner").string(),
        other => panic!("no action is called {other}"),
    }
}

fn patch_twice() -> Outcome {
    base()?;
    log(Level::Info, format!("patch={}", patch(Object::new().set("client_name", "kit")).is_ok()));
    log(Level::Info, format!("forbidden={}", patch_json(r#"{"client_id":"x"}"#).is_ok()));
    Ok(())
}

fn patch_request_twice() -> Outcome {
    let taken = patch_request(Object::new().set("client_name", "kit")).is_ok();
    log(Level::Info, format!("patch_request={taken}"));
    log(Level::Info, format!("forbidden={}", patch_request_json(r#"{"client_id":"x"}"#).is_ok()));
    base()
}
