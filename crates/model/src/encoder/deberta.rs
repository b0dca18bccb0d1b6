//! DeBERTa-v2 and v3 (He et al. 2021, arXiv 2006.03654 and 2111.09543): attention that tells content and relative position apart.
//!
//! v3 is the same architecture, trained otherwise. Not DeBERTa v1 (`model_type` `deberta`), whose projections are laid out differently.

use super::config::{Conv, Relative, Term};
use super::written::{Written, bars, need, unsupported};
use super::{Activation, Config, Family};
use crate::Result;

/// What is particular to DeBERTa-v2.
pub(super) static FAMILY: Family = Family {
    model_types: &["deberta-v2"],
    prefix: "deberta",
    projections: ["query_proj", "key_proj", "value_proj"],
    pooler: "pooler.dense",
    classifier: "classifier",
    finish,
};

/// Keys that are not written mean what `DebertaV2Config` of transformers takes for them.
fn finish(written: &Written, config: &mut Config) -> Result<()> {
    config.embedding = written.embedding_size.unwrap_or(config.hidden);
    config.head_dim = written.attention_head_size.unwrap_or(config.head_dim);
    config.embeds_positions = written.position_biased_input.unwrap_or(true);
    config.pooler_activation = Activation::named("pooler_hidden_act", written.pooler_hidden_act.as_deref().unwrap_or("gelu"))?;
    if written.relative_attention != Some(true) {
        return unsupported("relative_attention", "false", "true");
    }
    config.relative = Some(relative(written, config)?);
    config.conv = conv(written)?;
    Ok(())
}

fn relative(written: &Written, config: &Config) -> Result<Relative> {
    let kinds = need(written.pos_att_type.as_ref(), "pos_att_type")?.words();
    let term = |kind: &String| match kind.as_str() {
        "c2p" => Ok(Term::ContentToPosition),
        "p2c" => Ok(Term::PositionToContent),
        other => unsupported("pos_att_type", other, "c2p, p2c"),
    };
    let positive = |value: Option<i64>| value.and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0);
    let max_distance = positive(written.max_relative_positions).unwrap_or(config.max_positions);
    let buckets = positive(written.position_buckets);
    Ok(Relative {
        span: buckets.unwrap_or(max_distance),
        buckets_to: buckets.map(|_| max_distance),
        shared: written.share_att_key.unwrap_or(false),
        normed: bars(written.norm_rel_ebd.as_deref().unwrap_or("none")).iter().any(|word| word == "layer_norm"),
        terms: kinds.iter().map(term).collect::<Result<_>>()?,
    })
}

fn conv(written: &Written) -> Result<Option<Conv>> {
    let Some(kernel) = written.conv_kernel_size.filter(|kernel| *kernel > 0) else { return Ok(None) };
    if let Some(groups) = written.conv_groups.filter(|groups| *groups != 1) {
        return unsupported("conv_groups", &groups.to_string(), "1");
    }
    let activation = Activation::named("conv_act", written.conv_act.as_deref().unwrap_or("tanh"))?;
    Ok(Some(Conv { kernel, activation }))
}
