// postern config …, postern docs …, postern import … and postern help …
#include "app/commands.h"

#include "api/api_reference.h"
#include "api/openapi.h"
#include "app/certificate_check.h"
#include "app/command_line.h"
#include "app/config.h"
#include "app/config_text.h"
#include "app/help_text.h"
#include "app/postfix_import.h"
#include "app/reply_text.h"
#include "app/server.h"
#include "app/version.h"
#include "core/check.h"
#include "operation/areas.h"
#include "sandbox/scenario_catalog.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

namespace postern::app {
namespace {

json::value problem_value(const ConfigProblem& problem) {
  return json::object{{"file", problem.file},
                     {"line", std::uint64_t{problem.line}},
                     {"key", problem.key},
                     {"severity", problem.is_warning ? "warning" : "error"},
                     {"problem", problem.what},
                     {"advice", problem.advice}};
}

constexpr std::streamsize kMaxImportedOctets = 4'194'304;  // of one file; larger tables are no configuration

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(kMaxImportedOctets), '\0');
  if (path.empty() || !stream || (!stream.read(text.data(), kMaxImportedOctets) && !stream.eof())) return std::nullopt;
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

Result<void> check_configuration(CommandContext& context, bool is_quiet) {
  ConfigLoad load = load_config(context.config_file());
  if (load.is_usable()) {
    std::ranges::move(check_named_files(load.settings, context.config_file()), std::back_inserter(load.problems));
  }
  json::array values;
  std::string text;
  for (const auto& problem : load.problems) {
    values.emplace_back(problem_value(problem));
    text += printable(format_problem(problem)) + "\n";
  }
  if (load.is_usable() && !is_quiet) text += context.config_file().string() + ": usable\n";
  context.print(json::object{{"usable", load.is_usable()}, {"problems", std::move(values)}}, text);
  if (!load.is_usable()) return Error(ErrorCode::Malformed, "the configuration is not usable");
  return {};
}

Result<void> show_configuration(CommandContext& context) {
  if (const auto loaded = context.load_settings(); !loaded) return loaded.error();
  context.out() << make_config_listing(context.settings());
  return {};
}

Result<void> run_relay(CommandContext& context) {
  if (const auto loaded = context.load_settings(); !loaded) return loaded.error();
  for (const auto& problem : load_config(context.config_file()).problems) context.err() << format_problem(problem) << "\n";
  // What is bad enough to prevent the start says so itself.
  for (const auto& problem : check_named_files(context.settings(), context.config_file())) {
    context.err() << format_problem(problem) << "\n";
  }
  context.err().flush();
  return run_server(context.settings(), std::filesystem::absolute(context.config_file()));
}

Result<void> print_template(CommandContext& context) {
  context.out() << make_config_template();
  return {};
}

Result<void> print_document(CommandContext& context, const std::string& name) {
  struct Page {
    std::string_view name;
    std::string (*make)();
  };
  static constexpr Page kPages[] = {
      {"replies", make_reply_reference},
      {"configuration", make_config_reference},
      {"sandbox", sandbox::catalog_markdown},
      {"http-api", [] { return api::make_api_reference(api::make_openapi(operation::all_areas())); }},
      {"man", [] { return make_man_page(describe_commands(), kVersion); }},
      {"man-configuration", make_config_man_page},
      {"bash", [] { return make_bash_completion(describe_commands()); }},
      {"zsh", [] { return make_zsh_completion(describe_commands()); }},
      {"fish", [] { return make_fish_completion(describe_commands()); }},
  };
  const auto page = std::ranges::find(kPages, name, &Page::name);
  POSTERN_CHECK(page != std::end(kPages));
  context.out() << page->make();
  return {};
}

Result<void> explain_word(CommandContext& context, const std::string& word) {
  const std::vector<HelpEntry> entries = find_help(word);
  if (entries.empty()) {
    const std::string nearest = nearest_help(word);
    return Error(ErrorCode::NotFound, "no key, token, metric, fact or class is called " + printable(word) +
                                          (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }
  json::array values;
  std::string text;
  for (const HelpEntry& entry : entries) {
    values.emplace_back(json::object{{"word", entry.word}, {"kind", entry.kind}, {"text", entry.text}});
    text += (text.empty() ? "" : "\n") + entry.word + " (" + entry.kind + ")\n" + entry.text;
  }
  context.print(values, text);
  return {};
}

Result<void> import_from_postfix(CommandContext& context, const std::string& main_cf) {
  const std::optional<std::string> text = read_text(main_cf);
  if (!text) return Error(ErrorCode::IoError, "cannot read " + printable(main_cf));
  const PostfixImport made = import_postfix(*text, read_text);
  context.out() << made.toml;
  context.err() << made.taken << " settings are taken over; comments speak of " << made.left << " others\n";
  return {};
}

}  // namespace postern::app
