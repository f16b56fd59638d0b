// The installation: the relay itself, its store, its configuration, its pages.
#include "app/command_groups.h"

#include "app/commands.h"
#include "app/version.h"

namespace postern::app {
namespace {

Result<void> print_version(CommandContext& context) {
  context.print(json::object{{"version", kVersion}}, "postern " + std::string(kVersion) + "\n");
  return {};
}

void declare_others(CLI::App& app, Builder& build) {
  build.command(app, "serve", "Run the relay", run_relay, Needs::Nothing);
  auto [doctor, examined] =
      build.command(app, "doctor", "Examine the installation; say what to do", examine_installation, Needs::Nothing);
  doctor.add_option("--route", examined.route, "examine only this route: connect and log in as the queue would");
  doctor.add_option("--timeout", examined.seconds, "seconds for each route")->check(CLI::Range(1, 600));
  auto [health, patience] =
      build.command(app, "health", "Ask the relay whether it answers; for supervisors", examine_health, Needs::Settings);
  health.add_option("--timeout", patience = 5, "seconds; default: 5")->check(CLI::Range(1, 600));
  build.on(app, "backup", "folder", "Copy the store, consistent, also while the relay runs; the folder is made", back_up_store);
  auto [restoring, restore] =
      build.command(app, "restore", "Examine a copy, and make it the store; stop the relay first", restore_store, Needs::Settings);
  restoring.add_option("folder", restore.folder, "what postern backup made")->required();
  restoring.add_flag("--check", restore.only_checks, "only examine it");
  auto [foreseeing, looked_at] = build.command(
      app, "upgrade-check", "Say what this version would bring over in a store, and how long about; changes nothing", check_upgrade,
      Needs::Settings);
  foreseeing.add_option("folder", looked_at, "a store or a copy of it; default: data_dir");
  CLI::App& store = build.group(app, "store", "The store's files");
  build.command(store, "compact", "Give back to the disk what they no longer need; stop the relay first", compact_store,
                Needs::Nothing);
  build.command(app, "version", "Print the version", print_version, Needs::Nothing);
  CLI::App& config = build.group(app, "config", "The configuration");
  auto [check, is_quiet] =
      build.command(config, "check", "Tell everything that is wrong with it", check_configuration, Needs::Nothing);
  check.add_flag("--quiet,-q", is_quiet, "print nothing where all is well");
  build.command(config, "show", "Print the values in force", show_configuration, Needs::Nothing);
  build.command(config, "template", "Print a file with every key", print_template, Needs::Nothing);
  CLI::App& import = build.group(app, "import", "Configurations of others");
  auto [postfix, main_cf] =
      build.command(import, "postfix", "Print a configuration made from Postfix's main.cf", import_from_postfix, Needs::Nothing);
  postfix.add_option("file", main_cf = "/etc/postfix/main.cf", "default: /etc/postfix/main.cf");
  auto [help, word] = build.command(app, "help", "Say what a key, token, metric, fact of the log or class of failure means",
                                    explain_word, Needs::Nothing);
  help.add_option("word", word, "such as max_recipients, rate_limited or recipient_deferred")->required();
  auto [docs, page] =
      build.command(app, "docs", "Print a page that is made from the program's tables", print_document, Needs::Nothing);
  docs.add_option("page", page, "which one")
      ->required()
      ->check(
          CLI::IsMember({"replies", "configuration", "sandbox", "http-api", "man", "man-configuration", "bash", "zsh", "fish"}));
}

void declare_cluster(CLI::App& app, Builder& build) {
  CLI::App& noun = build.group(app, "cluster", "Several machines with one directory, through PostgreSQL");
  build.command(noun, "init", "Make a cluster of this machine, with all that it has", init_cluster);
  build.command(noun, "join", "Make this machine, which has no accounts yet, a node of the cluster", join_cluster);
  build.command(noun, "leave", "Give this machine's store back to itself, with all that it has", leave_cluster);
  build.command(noun, "check", "Look whether the database is set up for what is asked of it", check_cluster);
  build.command(noun, "upgrade", "Raise the format of the database, once every node runs a program that knows it", upgrade_cluster);
  build.command(noun, "status", "Show the nodes and how far each of them is", show_cluster);
  CLI::App& node = build.group(app, "node", "The machines of the cluster");
  build.command(node, "list", "Show the nodes and how far each of them is", show_cluster);
  build.on(node, "remove", "node", "Forget a machine that will not come back", remove_node);
}

}  // namespace

void declare_installation(CLI::App& app, Builder& build) {
  declare_others(app, build);
  declare_cluster(app, build);
}

}  // namespace postern::app
