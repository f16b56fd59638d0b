#include "app/command_line.h"

#include "app/command_groups.h"
#include "app/config.h"
#include "app/output.h"
#include "app/version.h"
#include "core/nearest_word.h"

#include <limits>

namespace postern::app {
namespace {

std::string usage_hint(const std::string& command) { return "what it takes: " + command + " --help\n"; }

struct Spoken {
  std::string words;  // as far as they were understood: "postern key create"
  const CLI::App* last;
};

Spoken spoken_command(const CLI::App& app) {
  Spoken spoken{app.get_name(), &app};
  while (!spoken.last->get_subcommands().empty()) {
    spoken.last = spoken.last->get_subcommands().front();
    spoken.words += " " + spoken.last->get_name();
  }
  return spoken;
}

// Where a sub-command is missing or unknown the parser says no more than that.
std::string subcommand_problem(const CLI::App& app, const Spoken& spoken) {
  std::vector<std::string> names;
  for (const CLI::App* command : spoken.last->get_subcommands({})) names.push_back(command->get_name());
  for (const std::string& word : app.remaining(true)) {
    if (word.starts_with('-')) continue;
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view nearest = nearest_word(word, known);
    return "there is no command " + spoken.words + " " + printable(word) +
           (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?");
  }
  std::string text = "say which:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

std::string failure_text(const CLI::App& app, const CLI::Error& error) {
  const Spoken spoken = spoken_command(app);
  const bool lacks_subcommand = error.get_name() == "RequiredError" && spoken.last->get_require_subcommand_min() > 0;
  return "postern: " + (lacks_subcommand ? subcommand_problem(app, spoken) : printable(error.what())) + "\n" +
         usage_hint(spoken.words);
}

// All commands, and what they fill when one is parsed.
struct Commands {
  Commands() {
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--config", config_file, "configuration file; default: " + config_file)->envname("POSTERN_CONFIG");
    app.set_version_flag("--version", "postern " + std::string(kVersion), "print the version");
    app.add_flag("--json", invocation.options.as_json, "print JSON for programs");
    app.failure_message([](const CLI::App* root, const CLI::Error& error) { return failure_text(*root, error); });
    declare_installation(app, build);
    declare_access(app, build);
    declare_mail(app, build);
    declare_queues(app, build);
  }

  Invocation invocation;
  std::string config_file{kDefaultConfigFile};
  CLI::App app{"Postern: an SMTP submission relay whose credentials are API keys.", "postern"};
  Builder build{invocation};
};

// CLI11 tells a closed set of values in the type's name only: "TEXT:{a,b}".
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}');
  std::vector<std::string> choices;
  if (begin == std::string::npos || end == std::string::npos) return choices;
  for (std::size_t at = begin + 1; at < end;) {
    const std::size_t comma = std::min(type.find(',', at), end);
    choices.push_back(type.substr(at, comma - at));
    at = comma + 1;
  }
  return choices;
}

CommandOption describe_option(const CLI::Option& option) {
  CommandOption described;
  described.is_positional = option.get_positional();
  for (const std::string& name : option.get_lnames()) described.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) described.names.push_back("-" + name);
  if (described.is_positional) described.names = {option.get_name(true)};
  described.help = option.get_description();
  described.choices = choices_of(option);
  described.is_flag = option.get_expected_max() == 0;
  described.is_required = option.get_required();
  described.is_repeated = option.get_items_expected_max() > 1;
  return described;
}

CommandNode describe(const CLI::App& app) {
  CommandNode node{app.get_name(), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->check_lname("help")) node.options.push_back(describe_option(*option));
  }
  for (const CLI::App* command : app.get_subcommands({})) node.commands.push_back(describe(*command));
  return node;
}

}  // namespace

void add_repeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help) {
  verb.add_option(name, values, help + "; may be repeated")->allow_extra_args(false);
}

void add_limit(CLI::App& verb, std::size_t& limit) {
  auto* most = verb.add_option("--limit", limit = 50, "at most so many; default 50")->check(CLI::Range(1, 1'000'000));
  verb.add_flag_callback("--all", [&limit] { limit = std::numeric_limits<std::size_t>::max(); }, "all of them")->excludes(most);
}

CommandNode describe_commands() { return describe(Commands().app); }

std::variant<Invocation, int> parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  Commands commands;
  CLI::App& app = commands.app;
  Invocation& invocation = commands.invocation;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == 0 ? 0 : kExitUsage;
  }
  invocation.options.config_file = commands.config_file;
  invocation.command = spoken_command(app).words;
  return std::move(invocation);
}

int report_failure(const Invocation& invocation, const Error& error, std::ostream& err) {
  err << "postern: " << printable(error.context().empty() ? error.message() : error.context()) << "\n";
  if (error.code() != ErrorCode::InvalidArgument) return kExitRefused;
  err << usage_hint(invocation.command);
  return kExitUsage;
}

}  // namespace postern::app
