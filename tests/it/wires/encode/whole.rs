//! A whole request of each wire, to the last field.

use insta::assert_snapshot;
use vibekit::domain::path::Wire;
use vibekit::domain::request::ToolSpec;

use super::{pretty, task};
use crate::wires::{function, request};

#[test]
fn anthropic_request() {
    let mut request = request(Wire::Anthropic, task(Wire::Anthropic));
    request.tools =
        vec![ToolSpec::AnthropicBash, ToolSpec::AnthropicTextEditor { max_characters: 10_000 }, function("fetch")];
    assert_snapshot!(pretty(Wire::Anthropic, &request), @r#"
    {
      "model": "m",
      "max_tokens": 16000,
      "stream": true,
      "thinking": {
        "type": "adaptive",
        "display": "summarized"
      },
      "tools": [
        {
          "type": "bash_20250124",
          "name": "bash"
        },
        {
          "type": "text_editor_20250728",
          "name": "str_replace_based_edit_tool",
          "max_characters": 10000
        },
        {
          "name": "fetch",
          "description": "Runs a command.",
          "input_schema": {
            "type": "object",
            "properties": {
              "command": {
                "type": "string"
              }
            },
            "required": [
              "command"
            ]
          }
        }
      ],
      "system": [
        {
          "type": "text",
          "text": "Be brief.",
          "cache_control": {
            "type": "ephemeral"
          }
        }
      ],
      "messages": [
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "Fix the tests"
            }
          ]
        },
        {
          "role": "assistant",
          "content": [
            {
              "type": "thinking",
              "thinking": "Hm.",
              "signature": "sig"
            },
            {
              "type": "text",
              "text": "Looking."
            },
            {
              "type": "tool_use",
              "id": "call_1",
              "name": "bash",
              "input": {
                "command": "ls"
              }
            },
            {
              "type": "tool_use",
              "id": "call_2",
              "name": "bash",
              "input": {
                "command": "cat x"
              }
            }
          ]
        },
        {
          "role": "user",
          "content": [
            {
              "type": "tool_result",
              "tool_use_id": "call_1",
              "content": "a\nb"
            },
            {
              "type": "tool_result",
              "tool_use_id": "call_2",
              "content": "no such file",
              "is_error": true,
              "cache_control": {
                "type": "ephemeral"
              }
            }
          ]
        },
        {
          "role": "assistant",
          "content": [
            {
              "type": "text",
              "text": "Done."
            }
          ]
        },
        {
          "role": "user",
          "content": [
            {
              "type": "text",
              "text": "Now the docs",
              "cache_control": {
                "type": "ephemeral"
              }
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn responses_request() {
    let mut request = request(Wire::Responses, task(Wire::Responses));
    let lark = "start: \"x\"".to_owned();
    request.tools.push(ToolSpec::Grammar { name: "apply_patch".into(), description: "Patches.".into(), lark });
    assert_snapshot!(pretty(Wire::Responses, &request), @r#"
    {
      "model": "m",
      "stream": true,
      "store": false,
      "instructions": "Be brief.",
      "tools": [
        {
          "type": "function",
          "name": "bash",
          "description": "Runs a command.",
          "parameters": {
            "type": "object",
            "properties": {
              "command": {
                "type": "string"
              }
            },
            "required": [
              "command"
            ]
          },
          "strict": false
        },
        {
          "type": "custom",
          "name": "apply_patch",
          "description": "Patches.",
          "format": {
            "type": "grammar",
            "syntax": "lark",
            "definition": "start: \"x\""
          }
        }
      ],
      "parallel_tool_calls": true,
      "max_output_tokens": 16000,
      "prompt_cache_key": "session-1",
      "reasoning": {
        "summary": "auto"
      },
      "include": [
        "reasoning.encrypted_content"
      ],
      "input": [
        {
          "type": "message",
          "role": "user",
          "content": [
            {
              "type": "input_text",
              "text": "Fix the tests"
            }
          ]
        },
        {
          "id": "rs_1",
          "type": "reasoning",
          "summary": [],
          "encrypted_content": "enc"
        },
        {
          "type": "message",
          "role": "assistant",
          "content": [
            {
              "type": "output_text",
              "text": "Looking."
            }
          ]
        },
        {
          "type": "function_call",
          "call_id": "call_1",
          "name": "bash",
          "arguments": "{\"command\":\"ls\"}"
        },
        {
          "type": "function_call",
          "call_id": "call_2",
          "name": "bash",
          "arguments": "{\"command\":\"cat x\"}"
        },
        {
          "type": "function_call_output",
          "call_id": "call_1",
          "output": "a\nb"
        },
        {
          "type": "function_call_output",
          "call_id": "call_2",
          "output": "no such file"
        },
        {
          "type": "message",
          "role": "assistant",
          "content": [
            {
              "type": "output_text",
              "text": "Done."
            }
          ],
          "phase": "final_answer"
        },
        {
          "type": "message",
          "role": "user",
          "content": [
            {
              "type": "input_text",
              "text": "Now the docs"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn chat_request() {
    assert_snapshot!(pretty(Wire::Chat, &request(Wire::Chat, task(Wire::Chat))), @r#"
    {
      "model": "m",
      "stream": true,
      "stream_options": {
        "include_usage": true
      },
      "max_tokens": 16000,
      "tools": [
        {
          "type": "function",
          "function": {
            "name": "bash",
            "description": "Runs a command.",
            "parameters": {
              "type": "object",
              "properties": {
                "command": {
                  "type": "string"
                }
              },
              "required": [
                "command"
              ]
            }
          }
        }
      ],
      "messages": [
        {
          "role": "system",
          "content": "Be brief."
        },
        {
          "role": "user",
          "content": "Fix the tests"
        },
        {
          "role": "assistant",
          "content": "Looking.",
          "reasoning_content": "Hm.",
          "tool_calls": [
            {
              "id": "call_1",
              "type": "function",
              "function": {
                "name": "bash",
                "arguments": "{\"command\":\"ls\"}"
              }
            },
            {
              "id": "call_2",
              "type": "function",
              "function": {
                "name": "bash",
                "arguments": "{\"command\":\"cat x\"}"
              }
            }
          ]
        },
        {
          "role": "tool",
          "tool_call_id": "call_1",
          "content": "a\nb"
        },
        {
          "role": "tool",
          "tool_call_id": "call_2",
          "content": "no such file"
        },
        {
          "role": "assistant",
          "content": "Done."
        },
        {
          "role": "user",
          "content": "Now the docs"
        }
      ]
    }
    "#);
}
