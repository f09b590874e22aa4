//! The bucket of files that are to be imported. moto, which is the SQS server, is S3 as well: it reads in ranges, knows
//! entity tags and tells the queue of each file that is put there; it checks no signature.

use anyhow::{Context, Result, ensure};

use crate::cloud::Cloud;
use crate::service::Service;
use lambda::aws::{AWS_ACCOUNT, AWS_REGION};

/// Its name.
pub const IMPORTS_BUCKET: &str = "imports";

/// The `authorization` of whoever puts a file in the place of another: it must be there, and nobody compares it.
pub const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

/// Makes it, after the queue that it tells.
pub(super) async fn furnish(cloud: &Cloud) -> Result<()> {
    let bucket = format!("{}/{IMPORTS_BUCKET}", cloud.http(Service::Sqs)?);
    put(&bucket, String::new()).await?;
    let notification = format!(
        "<NotificationConfiguration><QueueConfiguration>\
         <Queue>arn:aws:sqs:{AWS_REGION}:{AWS_ACCOUNT}:imports</Queue><Event>s3:ObjectCreated:*</Event>\
         <Filter><S3Key><FilterRule><Name>prefix</Name><Value>products/</Value></FilterRule></S3Key></Filter>\
         </QueueConfiguration></NotificationConfiguration>"
    );
    put(&format!("{bucket}?notification"), notification).await
}

async fn put(url: &str, body: String) -> Result<()> {
    let answer = reqwest::Client::new().put(url).body(body).send().await;
    let answer = answer.with_context(|| format!("cannot make the bucket {IMPORTS_BUCKET}"))?;
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    ensure!(status.is_success(), "cannot make the bucket {IMPORTS_BUCKET}: {status} {text}");
    Ok(())
}
