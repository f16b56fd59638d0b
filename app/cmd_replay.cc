// postern run replay FILE: an exported run, played by this program.
#include "app/commands.h"
#include "app/config_values.h"
#include "app/json_file.h"
#include "app/queue_settings.h"
#include "app/scratch.h"
#include "lab/run_replay.h"

namespace postern::app {

Result<void> replay_run(CommandContext& context, const std::string& file) {
  const auto value = read_json_file(file);
  if (!value) return value.error();
  const auto run = lab::read_run_export(*value);
  if (!run) return Error(ErrorCode::InvalidArgument, printable(file) + ": " + run.error().context());
  const auto scratch = Scratch::make();
  if (!scratch) return scratch.error();
  Settings settings = context.settings();
  settings.data_dir = *scratch / "data";
  net::asio::io_context io{1};
  const auto store = store::Store::open(make_store_options(settings, false));
  if (!store) return store.error();
  const auto journal =
      lab::replay_run(**store, io, *run, make_run_clock_settings(settings), context.clock(), context.random());
  if (!journal) return journal.error();
  const std::vector<std::string> differences = lab::journal_differences(run->journal, *journal);
  json::array values;
  std::string text;
  for (const std::string& difference : differences) {
    values.emplace_back(difference);
    text += printable(difference) + '\n';
  }
  if (differences.empty()) text = "the same: " + std::to_string(run->mails.size()) + " mails, nothing differs\n";
  context.print(json::object{{"run", run->run}, {"same", differences.empty()}, {"differences", std::move(values)},
                             {"journal", *journal}}, text);
  if (differences.empty()) return {};
  return Error(ErrorCode::Conflict, "this version makes another run of it");
}

}  // namespace postern::app
