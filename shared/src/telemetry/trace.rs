//! X-Ray's trace header, as Lambda hands it to an invocation and SQS carries it in a message.

/// The trace's id in a header such as `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
#[must_use]
pub fn trace_id(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_root_wherever_it_stands() {
        let id = Some("1-5759e988-bd862e3fe1be46a994272793");
        assert_eq!(
            trace_id("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
            id
        );
        assert_eq!(trace_id("Self=1-0-0; Root=1-5759e988-bd862e3fe1be46a994272793"), id);
        for none in ["", "Root=", "Parent=53995c3f42cd8ad8"] {
            assert_eq!(trace_id(none), None, "{none}");
        }
    }
}
