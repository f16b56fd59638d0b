// What was said in a session, for who looks at a captured test message: commands and replies, never mail data, and of AUTH its
// mechanism and no more. Bounded; pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postern::smtp {

inline constexpr std::size_t kTranscriptHeadOctets = 2 * 1024;  // how the session began is kept; beyond the bound the middle goes
inline constexpr std::size_t kMaxSaidOctets = 16 * 1024;
inline constexpr std::size_t kMaxSaidLine = 1'000;              // of one command or reply line

class Transcript {
 public:
  // A command of ours, without its line end. Whatever follows AUTH's mechanism is left out.
  void client_said(std::string_view verb, std::string_view line);
  // In the place of what is not shown: mail data, a line that is no command.
  void client_did(std::string_view what);
  // Replies as they are sent.
  void server_said(std::string_view replies);
  // The same with what is to be sent yet.
  std::string text_with(std::string_view unsent) const;

  // Nothing is kept from here on.
  void stop();

 private:
  void add(char who, std::string_view line);

  std::string text_;
  bool is_stopped_ = false;
};

}  // namespace postern::smtp
