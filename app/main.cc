// postern: parses the command line, opens what the command needs, runs it. Exit status: 0 done, 1 refused, 2 wrong usage;
// of `postern sendmail` as sysexits.h has them.
#include "app/cmd_sendmail.h"
#include "app/command_line.h"

#include <csignal>
#include <exception>
#include <iostream>

namespace {

using namespace postern;

Result<void> prepare(app::CommandContext& context, app::Needs needs) {
  switch (needs) {
    case app::Needs::Nothing: return {};
    case app::Needs::Settings: return context.load_settings();
    case app::Needs::Store: return context.open();
  }
  return {};
}

int run(int argc, char** argv) {
  if (const auto words = app::sendmail_words(argc, argv)) return app::run_sendmail(*words, std::cout, std::cerr);
  auto parsed = app::parse_command_line(argc, argv, std::cout, std::cerr);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  auto& invocation = std::get<app::Invocation>(parsed);
  app::CommandContext context(invocation.options, std::cout, std::cerr);
  auto done = prepare(context, invocation.needs);
  const store::ActorScope acting(app::acting_person());
  if (done) done = invocation.action(context);
  return done ? 0 : app::report_failure(invocation, done.error(), std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  std::signal(SIGPIPE, SIG_IGN);  // a peer or a pager that goes away is an error of one write, not the end
  try {
    const int status = run(argc, argv);
    std::cout.flush();
    return status == 0 && !std::cout ? app::kExitRefused : status;
  } catch (const std::exception& failure) {
    std::cerr << "postern: " << failure.what() << "\n";
    return app::kExitRefused;
  }
}
