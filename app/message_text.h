// A stored message as rows, facts and JSON, for `message`, `run` and `queue`.
#pragma once

#include "app/command_context.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::app {

std::string_view stage_name(store::RecipientStage stage);  // "pending"
std::optional<store::RecipientStage> parse_stage(std::string_view text);

std::vector<std::string> message_titles();
std::vector<std::string> message_row(CommandContext& context, const store::StoredMessage& stored);
std::string message_text(CommandContext& context, const store::StoredMessage& stored);
json::object message_value(CommandContext& context, const store::StoredMessage& stored);

}  // namespace postern::app
