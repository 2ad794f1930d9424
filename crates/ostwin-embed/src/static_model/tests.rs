use serde_json::json;

use super::*;

const WORDS: [&str; 4] = ["[UNK]", "cat", "dog", "car"];

/// A model of three words: cats are nearly dogs, and cars are something else.
fn write_model(folder: &Path, cat: [f32; 2]) {
    let vectors = [[0.0, 0.0], cat, [1.0, 0.1], [0.0, 1.0]];
    let numbers: Vec<u8> = vectors.concat().into_iter().flat_map(f32::to_le_bytes).collect();
    let header = json!({ "embeddings": {
        "dtype": "F32", "shape": [WORDS.len(), 2], "data_offsets": [0, numbers.len()]
    } });
    let header = header.to_string();
    let weights = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &numbers].concat();
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().enumerate().map(|(id, word)| ((*word).to_owned(), json!(id))).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" }, "post_processor": null, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary
        }
    });
    write(&folder.join("model.safetensors"), &weights);
    write(&folder.join("tokenizer.json"), tokenizer.to_string().as_bytes());
}

fn write(path: &Path, content: &[u8]) {
    ostwin_core::fs::replace_hint(path, content).unwrap();
}

fn problem(folder: &Path) -> Problem {
    let Err(problem) = Static::load(folder) else { panic!("it loaded") };
    assert_eq!(problem.code, Code::InvalidArgument);
    problem
}

#[test]
fn texts_are_the_mean_of_their_words() {
    let dir = tempfile::tempdir().unwrap();
    write_model(dir.path(), [1.0, 0.0]);
    let mut model = Static::load(dir.path()).unwrap();
    assert_eq!(model.dimensions(), 2);
    let vectors = model.encode(&["Cat", "the cat", "car cat", "nothing known"]).unwrap();
    let half = 0.5_f32.sqrt();
    assert_eq!(vectors, [[1.0, 0.0], [1.0, 0.0], [half, half], [0.0, 0.0]]);
}

#[test]
fn another_model_has_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("Potion-8M");
    ostwin_core::fs::create_dirs(&folder).unwrap();
    write_model(&folder, [1.0, 0.0]);
    let one = Static::load(&folder).unwrap().name().to_owned();
    assert!(one.starts_with("potion-8m-"), "{one}");
    assert_eq!(Static::load(&folder).unwrap().name(), one);
    write_model(&folder, [0.9, 0.0]);
    assert_ne!(Static::load(&folder).unwrap().name(), one);
}

#[test]
fn the_layout_of_sentence_transformers_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("0_StaticEmbedding");
    ostwin_core::fs::create_dirs(&below).unwrap();
    write_model(&below, [1.0, 0.0]);
    assert_eq!(Static::load(dir.path()).unwrap().dimensions(), 2);
}

#[test]
fn what_is_no_model_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let missing = problem(dir.path());
    assert!(missing.message.contains("model.safetensors"), "{missing}");
    assert!(missing.message.contains("memory.embedding.path"), "{missing}");
    write_model(dir.path(), [1.0, 0.0]);
    write(&dir.path().join("model.safetensors"), b"garbage");
    assert!(problem(dir.path()).message.contains("safetensors"));
    write_model(dir.path(), [1.0, 0.0]);
    write(&dir.path().join("tokenizer.json"), b"{}");
    assert!(problem(dir.path()).message.contains("tokenizer"));
}

#[test]
fn samples_tell_long_files_apart() {
    let long = vec![7; 1_000_000];
    assert!(sample(&long).len() < 100_000);
    let mut other = long.clone();
    other[0] = 8;
    assert_ne!(sample(&long), sample(&other));
    assert_ne!(sample(&long), sample(&long[1..]));
    assert_eq!(sample(&[]), 0_usize.to_le_bytes());
}
