// The protocol core: a command line, a path, and mail data of one message.
#include "smtp/command.h"
#include "smtp/content_reader.h"

#include <benchmark/benchmark.h>

#include <string>

namespace postern {
namespace {

void parse_mail_command(benchmark::State& state) {
  const std::string line = "MAIL FROM:<sender.name@mail.example.org> SIZE=4096 BODY=8BITMIME";
  for (auto _ : state) {
    const smtp::Command command = smtp::parse_command(line);
    benchmark::DoNotOptimize(smtp::parse_mail_argument(command.argument));
  }
}
BENCHMARK(parse_mail_command);

// Octets a message; lines of 76 characters.
void read_content(benchmark::State& state) {
  std::string input;
  while (input.size() < static_cast<std::size_t>(state.range(0))) input += std::string(76, 'x') + "\r\n";
  input += ".\r\n";
  for (auto _ : state) {
    smtp::ContentReader reader;
    std::string_view rest = input;
    while (!rest.empty()) {
      const auto piece = reader.read(rest);
      benchmark::DoNotOptimize(piece.content.data());
      rest.remove_prefix(piece.consumed);
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(input.size()));
}
BENCHMARK(read_content)->Arg(4096)->Arg(1 << 20);

}  // namespace
}  // namespace postern
