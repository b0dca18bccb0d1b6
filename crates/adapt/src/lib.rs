//! LoRA and QLoRA: a corpus and a base model in, a PEFT adapter out.
