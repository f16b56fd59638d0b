// The commands in groups, and what declares one: words and options by CLI11 on one side, a function of app/commands.h on the other.
// Included only by app/command_line.cc and command_groups_*.cc.
#pragma once

#include "app/command_line.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <CLI/CLI.hpp>
#pragma GCC diagnostic pop

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace postern::app {

// Sub-commands share one invocation: the one that is named sets its action.
class Builder {
 public:
  explicit Builder(Invocation& invocation) : invocation_(invocation) {}

  CLI::App& group(CLI::App& app, const std::string& name, const std::string& help) {
    CLI::App& noun = *app.add_subcommand(name, help);
    noun.require_subcommand(1);
    return noun;
  }

  // A command, and the values that its action will be called with, for the options that fill them. They live as long as the
  // command or the invocation.
  template <class... Arguments>
  std::tuple<CLI::App&, std::remove_cvref_t<Arguments>&...> command(CLI::App& noun, const std::string& name,
                                                                    const std::string& help,
                                                                    Result<void> (*action)(CommandContext&, Arguments...),
                                                                    Needs needs = Needs::Store) {
    auto values = std::make_shared<std::tuple<std::remove_cvref_t<Arguments>...>>();
    CLI::App& verb = *noun.add_subcommand(name, help);
    verb.callback([this, needs, action, values] {
      invocation_.needs = needs;
      invocation_.action = [action, values](CommandContext& context) {
        return std::apply([&](const auto&... given) { return action(context, given...); }, *values);
      };
    });
    return std::tuple_cat(std::tie(verb), std::apply([](auto&... value) { return std::tie(value...); }, *values));
  }

  // With one required word.
  void on(CLI::App& noun, const std::string& name, const std::string& word, const std::string& help,
          Result<void> (*action)(CommandContext&, const std::string&)) {
    auto [verb, text] = command(noun, name, help, action);
    verb.add_option(word, text)->required();
  }

  // Of one account or of all.
  void list(CLI::App& noun, const std::string& help, Result<void> (*action)(CommandContext&, const std::string&)) {
    auto [verb, account] = command(noun, "list", help, action);
    verb.add_option("account", account, "default: of all accounts");
  }

  // With an account and some of its addresses.
  void on_addresses(CLI::App& noun, const std::string& name, const std::string& help,
                    Result<void> (*action)(CommandContext&, const std::string&, const std::vector<std::string>&)) {
    auto [verb, account, addresses] = command(noun, name, help, action);
    verb.add_option("account", account)->required();
    verb.add_option("address", addresses)->required();
  }

 private:
  Invocation& invocation_;
};

// An option that takes one value each time it is given: what follows is not its own.
void add_repeated(CLI::App& verb, const std::string& name, std::vector<std::string>& values, const std::string& help);

// --limit and --all.
void add_limit(CLI::App& verb, std::size_t& limit);

void declare_access(CLI::App& app, Builder& build);
void declare_mail(CLI::App& app, Builder& build);
void declare_queues(CLI::App& app, Builder& build);
void declare_installation(CLI::App& app, Builder& build);

}  // namespace postern::app
