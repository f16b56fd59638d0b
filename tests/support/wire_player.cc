// The client's side of a dialogue. Client lines that follow one another go out in one write, as in the pure player.
#include "tests/support/wire_player.h"

#include <algorithm>
#include <filesystem>

namespace postern::test {

namespace {

using Kind = DialogLine::Kind;

class WirePlayer {
 public:
  WirePlayer(const Dialog& dialog, TestClient& client) : dialog_(dialog), client_(client) {}

  WireTranscript play(std::size_t lines) {
    if (dialog_.starts_in_tls && !client_.start_tls()) transcript_.problems.push_back("no handshake");
    for (std::size_t i = 0; i < lines && !is_over_; ++i) play_line(dialog_.lines[i]);
    send();
    return std::move(transcript_);
  }

 private:
  void play_line(const DialogLine& line) {
    if (line.kind == Kind::Client) {
      unsent_ += line.text;
      return;
    }
    send();
    if (line.kind == Kind::Server) return expect_reply(line);
    if (line.kind == Kind::Closed) expect_closed(line);
  }

  void send() {
    if (unsent_.empty()) return;
    transcript_.sent += unsent_;
    last_sent_ = std::exchange(unsent_, "");
    client_.send(last_sent_);
  }

  void expect_reply(const DialogLine& line) {
    std::string got = client_.read_line();
    if (got.ends_with("\r\n")) got.resize(got.size() - 2);
    if (!matches_reply(line.text, got)) complain(line, "expected \"" + line.text + "\", got \"" + got + "\"");
    if (last_sent_.starts_with("STARTTLS\r\n") && got.starts_with("220 2.0.0 ")) start_tls(line);
  }

  // What was sent along with STARTTLS may still have been on its way: then it spoils the handshake, which is as good.
  void start_tls(const DialogLine& line) {
    const bool has_injected = last_sent_ != "STARTTLS\r\n";
    last_sent_.clear();
    if (client_.start_tls()) return;
    is_over_ = true;
    if (!has_injected) complain(line, "no handshake");
  }

  void expect_closed(const DialogLine& line) {
    is_over_ = true;
    const std::string rest = client_.read_to_end();
    if (!rest.empty()) complain(line, "expected the end, got \"" + rest + "\"");
  }

  void complain(const DialogLine& line, const std::string& problem) {
    is_over_ = true;
    transcript_.problems.push_back(dialog_.name + ":" + std::to_string(line.number) + ": " + problem);
  }

  const Dialog& dialog_;
  TestClient& client_;
  WireTranscript transcript_;
  std::string unsent_;
  std::string last_sent_;
  bool is_over_ = false;
};

}  // namespace

WireTranscript play_on_wire(const Dialog& dialog, TestClient& client, std::size_t lines) {
  return WirePlayer(dialog, client).play(std::min(lines, dialog.lines.size()));
}

std::vector<std::string> find_wire_dialogs(const std::string& folder) {
  std::vector<std::string> paths = find_dialogs(folder);
  std::erase_if(paths, [](const std::string& path) {
    const auto loaded = load_dialog(path);
    return !std::holds_alternative<Dialog>(loaded) || !std::get<Dialog>(loaded).is_playable_on_the_wire();
  });
  return paths;
}

std::string name_of_dialog(const testing::TestParamInfo<std::string>& info) {
  const std::filesystem::path path(info.param);
  return path.parent_path().filename().string() + "_" + path.stem().string();
}

}  // namespace postern::test
