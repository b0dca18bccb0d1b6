//! The published files, in the layouts they are published in.

use score::{Error, Limits, Part, Role, Source, Split, dataset, keep_apart, overlap, tasks};

#[test]
fn squad_in_all_its_layouts() {
    let Some(folder) = crate::shared_data() else { return };
    let task = tasks::find("rag").unwrap();
    let read = |name: &str| dataset::read(&folder.join("squad").join(name), task, Limits::first(usize::MAX)).unwrap();
    let dev = read("dev-v1.1.json");
    assert_eq!(dev.len(), 10_570);
    assert_eq!(dev[0].id, "56be4db0acb8001400a502ec");
    assert_eq!(dev[0].references(), ["Denver Broncos"]);
    let train = read("train-slice-v1.1.json");
    assert_eq!(train.len(), 11_877);
    assert!(overlap(&train, &dev).ids.is_empty());
    let xquad = read("xquad.en.json");
    assert_eq!(xquad.len(), 1_190);
    // XQuAD is taken from the dev set: the check must see it.
    let found = overlap(&dev, &xquad);
    assert_eq!(found.ids.len() + found.texts.len(), 1_190, "{:?}", found.problem());
    // This sample is of version 2, whose fourth question has no answer: it cannot be scored, and its line is named.
    let sample = folder.join("squad/hf_sample.json");
    assert_eq!(dataset::read(&sample, task, Limits::first(3)).unwrap().len(), 3);
    let error = dataset::read(&sample, task, Limits::first(4)).unwrap_err();
    assert!(matches!(&error, Error::Row { place, problem, .. } if place.line == Some(61) && problem.field == "answers.text"), "{error}");
}

#[test]
fn xsum_rows() {
    let Some(folder) = crate::shared_data() else { return };
    let task = tasks::find("summarization").unwrap();
    let rows = dataset::read(&folder.join("xsum/human_eval_50.jsonl"), task, Limits::first(usize::MAX)).unwrap();
    assert_eq!(rows.len(), 50);
    assert!(rows.iter().all(|row| row.references().len() == 1));
    // This sample was published without ids: its rows get digests of their documents.
    let sample = dataset::read(&folder.join("xsum/hf_sample.jsonl"), task, Limits::first(usize::MAX)).unwrap();
    let ids: std::collections::BTreeSet<_> = sample.iter().map(|row| row.id.as_str()).collect();
    assert_eq!((sample.len(), ids.len()), (10, 10));
    assert!(ids.iter().all(|id| id.len() == 16));
}

#[test]
fn ultrachat_conversations() {
    let Some(folder) = crate::shared_data() else { return };
    let task = tasks::find("chat").unwrap();
    let rows = dataset::read(&folder.join("ultrachat/ultrachat_200k_sample.jsonl"), task, Limits::first(usize::MAX)).unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let conversation = row.conversation(task.system, None).unwrap();
        assert_eq!(conversation.messages[0].role, Role::System);
        assert_eq!(conversation.messages.last().unwrap().role, Role::Assistant);
        let item = row.item(task.system, Some(4_000)).unwrap();
        assert!(item.messages.iter().map(|m| m.content.chars().count()).sum::<usize>() <= 4_000);
        assert_eq!(item.messages.last().unwrap().role, Role::User);
    }
}

#[test]
fn ultrachats_first_layout() {
    let Some(folder) = crate::shared_data() else { return };
    let task = tasks::find("chat").unwrap();
    let rows = dataset::read(&folder.join("ultrachat/ultrachat_raw_sample.jsonl"), task, Limits::first(usize::MAX)).unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.conversation("", None).unwrap().messages.len().is_multiple_of(2)));
}

#[test]
fn bad_rows_of_a_published_sample_are_left_out_within_the_limit() {
    let Some(folder) = crate::shared_data() else { return };
    // Six of its fourteen questions have no answer.
    let read = |bad_rows| {
        let limits = Limits { bad_rows, ..Limits::first(usize::MAX) };
        Source::at(&folder.join("squad/hf_sample.json"), tasks::find("rag").unwrap(), limits).unwrap().read()
    };
    let found = read(6).unwrap();
    assert_eq!((found.examples.len(), found.bad.len(), found.repeated), (8, 6, 0));
    assert!(matches!(read(5).unwrap_err(), Error::TooManyBad { limit: 5, .. }));
}

#[test]
fn the_papers_split_of_squad_shares_passages_and_no_question() {
    let Some(folder) = crate::shared_data() else { return };
    let part = |part| {
        let source = Source::at(&folder.join("squad/dev-v1.1.json"), tasks::find("rag").unwrap(), Limits::first(usize::MAX)).unwrap();
        Source { part: Some((Split::paper(42), part)), ..source }.read().unwrap().examples
    };
    let (train, validation, test) = (part(Part::Train), part(Part::Validation), part(Part::Test));
    assert_eq!(train.len() + validation.len() + test.len(), 10_570);
    assert!((1_450..1_720).contains(&test.len()), "{}", test.len());
    let found = overlap(&train, &test);
    assert!(found.ids.is_empty());
    // Split by question, nearly every passage is in both: the official split, by article, shares none.
    assert!(found.documents > test.len() * 9 / 10, "{} of {}", found.documents, test.len());
    let (kept, _) = keep_apart(train, &test);
    assert!(overlap(&kept, &test).is_clean());
}
