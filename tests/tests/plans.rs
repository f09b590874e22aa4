//! No statement reads a table from end to end, on 50,000 orders. Runs first: it reads by the demo data, before others
//! change them.

use std::process::Command;

#[test]
fn every_statement_reads_by_index() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("./dev").arg("explain").current_dir(root).output().expect("./dev runs");
    let plans = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{plans}{}", String::from_utf8_lossy(&output.stderr));

    let plan_of = |title: &str| plans.split("\n\n").find(|plan| plan.trim_start().starts_with(title));
    let list = plan_of("orders.list, the first page").expect("its plan");
    for index in ["orders_active", "order_items_order_product", "products_pkey"] {
        assert!(list.contains(&format!("using {index} ")), "orders.list reads not by {index}: {list}");
    }
}
