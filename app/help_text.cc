// See the header. What a fact of the log means stands in docs/operations.md alone, which is part of the program for that
// (cmake/embed.cmake); tests/lint/observed.py holds that page to the source.
#include "app/help_text.h"

#include "api/api.h"
#include "app/config_environment.h"
#include "app/config_keys.h"
#include "app/operations_page.h"
#include "core/case_fold.h"
#include "core/metrics.h"
#include "core/nearest_word.h"
#include "core/refusals.h"
#include "relay/failure_class.h"
#include "smtp/replies.h"

#include <algorithm>

namespace postern::app {
namespace {

std::string line(std::string_view label, std::string_view text) {
  return text.empty() ? std::string() : std::string(label) + ": " + std::string(text) + "\n";
}

void add_keys(std::vector<HelpEntry>& entries) {
  for (const KeyTable& table : key_tables()) {
    for (const KeyInfo* key : table.keys) {
      std::string text = std::string(key->help) + "\n";
      text += key->is_required ? "Required.\n" : line("Default", key->default_value.empty() ? "empty" : key->default_value);
      text += line("Values", describe_values(*key)) + (key->is_reloadable ? "Taken over at SIGHUP.\n" : "Needs a restart.\n");
      text += line("Variable", variable_name(table.name, 1, key->name));
      const std::string where = table.name.empty() ? "" : ", [[" + std::string(table.name) + "]]";
      entries.push_back({std::string(key->name), "key of the configuration" + where, std::move(text)});
    }
  }
}

void add_refusals(std::vector<HelpEntry>& entries) {
  for (const RefusalRow& row : refusal_table()) {
    std::string text = std::string(row.when) + "\n" + line("Said", row.text);
    if (row.smtp_code != 0) text += line("SMTP", std::to_string(row.smtp_code) + " " + format_enhanced_code(row.enhanced));
    if (row.http_status != 0) text += line("HTTP", std::to_string(row.http_status));
    if (row.ends_session) text += "The connection is closed after it.\n";
    entries.push_back({std::string(row.token), "token of a refusal", std::move(text)});
  }
  for (const smtp::FixedReply* reply : smtp::reply_catalogue()) {
    if (reply->code < 400) continue;
    const std::string_view token = smtp::token_of(*reply);
    const std::string_view said = reply->text.substr(std::min(token.size() + 2, reply->text.size()));
    std::string text = line("Said", said) + line("SMTP", std::to_string(reply->code) + " " + std::string(reply->enhanced));
    entries.push_back({std::string(token), "refusal of the SMTP protocol", text + line("Why", reply->source)});
  }
  for (const api::ApiProblemRow& row : api::api_problem_table()) {
    entries.push_back({std::string(row.name), "problem of an HTTP request",
                       std::string(row.text) + "\n" + line("HTTP", std::to_string(row.status))});
  }
}

void add_failure_classes(std::vector<HelpEntry>& entries) {
  for (const relay::FailureClassRow& row : relay::failure_class_table()) {
    std::string text = std::string(row.meaning) + "\n";
    if (row.concerns_address) text += "Mail to the address will fail whoever sends it.\n";
    entries.push_back({std::string(row.name), "class of a failed delivery", std::move(text)});
  }
}

// "# HELP name what it says", as Prometheus reads it.
void add_metrics(std::vector<HelpEntry>& entries) {
  const std::string families = metrics::text();
  static constexpr std::string_view kMark = "# HELP ";
  for (std::size_t at = 0; at < families.size();) {
    const std::size_t end = std::min(families.find('\n', at), families.size());
    std::string_view row = std::string_view(families).substr(at, end - at);
    at = end + 1;
    if (!row.starts_with(kMark)) continue;
    row.remove_prefix(kMark.size());
    const std::size_t blank = std::min(row.find(' '), row.size());
    entries.push_back({std::string(row.substr(0, blank)), "metric",
                       std::string(row.substr(std::min(blank + 1, row.size()))) + "\n"});
  }
}

// The words in `code` at the start of a row: "| `started`, `stopped` | the server's life |".
void add_facts(std::vector<HelpEntry>& entries) {
  static constexpr std::string_view kHeading = "\n## What does each log line mean?\n";
  std::string_view page = operations_page();
  page.remove_prefix(std::min(page.find(kHeading), page.size()));
  page = page.substr(std::min(kHeading.size(), page.size()));
  page = page.substr(0, page.find("\n## "));
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t end = std::min(page.find('\n', at), page.size());
    const std::string_view row = page.substr(at, end - at);
    at = end + 1;
    const std::size_t middle = row.find(" | ", 1);
    if (!row.starts_with("| `") || middle == std::string_view::npos || !row.ends_with(" |")) continue;
    const std::string_view facts = row.substr(0, middle);
    const std::string meaning(row.substr(middle + 3, row.size() - middle - 5));
    for (std::size_t from = facts.find('`'); from != std::string_view::npos;) {
      const std::size_t to = facts.find('`', from + 1);
      if (to == std::string_view::npos) break;
      entries.push_back({std::string(facts.substr(from + 1, to - from - 1)), "fact of the log", meaning + "\n"});
      from = facts.find('`', to + 1);
    }
  }
}

std::vector<HelpEntry> all_entries() {
  std::vector<HelpEntry> entries;
  add_keys(entries);
  add_refusals(entries);
  add_failure_classes(entries);
  add_metrics(entries);
  add_facts(entries);
  return entries;
}

// "POSTERN_ROUTE_2_HOST" → "host": what a variable stands for.
bool is_variable_of(const HelpEntry& entry, std::string_view folded) {
  return folded.starts_with("postern_") && folded.ends_with("_" + entry.word) &&
         fold_case(entry.text).find("\nvariable: " + std::string(folded) + "\n") != std::string::npos;
}

}  // namespace

std::vector<HelpEntry> find_help(std::string_view word) {
  std::vector<HelpEntry> entries = all_entries();
  const std::string folded = fold_case(word);
  std::erase_if(entries, [&](const HelpEntry& entry) { return entry.word != folded && !is_variable_of(entry, folded); });
  return entries;
}

std::string nearest_help(std::string_view word) {
  const std::vector<HelpEntry> entries = all_entries();
  std::vector<std::string_view> words;
  for (const HelpEntry& entry : entries) words.push_back(entry.word);
  return std::string(nearest_word(fold_case(word), words));
}

}  // namespace postern::app
