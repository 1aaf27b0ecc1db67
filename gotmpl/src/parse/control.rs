//! Text and the actions that hold bodies.

use crate::error::ParseMistake;
use crate::lex::{Keyword, Quote, Token, TokenKind};
use crate::parse::{Ending, Parser, literal};
use crate::tree::{Body, Branches, Invocation, Loop, Node, Pipe};
use crate::value::Str;

impl Parser<'_> {
    /// Everything up to `{{end}}` or `{{else}}`; of the latter only the word has been read when `if` or `with` follows.
    fn body(&mut self) -> Result<(Body, Ending), ParseMistake> {
        self.deeper(|parser| {
            let mut body = Body::new();
            while parser.peek_word().kind != TokenKind::End {
                if let Some(ending) = parser.text_or_action(&mut body)? {
                    return Ok((body, ending));
                }
            }
            parser.next += 1;
            Err(ParseMistake::UnexpectedEnd)
        })
    }

    /// A body that only `{{end}}` may end.
    fn body_to_end(&mut self, context: &'static str) -> Result<Body, ParseMistake> {
        match self.body()? {
            (body, Ending::End) => Ok(body),
            (_, Ending::Else) => Err(ParseMistake::Unexpected {
                found: "{{else}}",
                context,
            }),
        }
    }

    /// One piece of a body; or what ended it.
    pub(super) fn text_or_action(&mut self, body: &mut Body) -> Result<Option<Ending>, ParseMistake> {
        let token = self.read_word();
        match token.kind {
            TokenKind::Text => body.push(Node::Text(Str::from(self.text_of(token)))),
            TokenKind::LeftDelimiter => return self.action(body),
            _ => return Err(self.unexpected("input")),
        }
        Ok(None)
    }

    fn action(&mut self, body: &mut Body) -> Result<Option<Ending>, ParseMistake> {
        let TokenKind::Keyword(keyword) = self.peek_word().kind else {
            let pipe = self.pipeline("command", TokenKind::RightDelimiter)?;
            body.push(Node::Action(pipe));
            return Ok(None);
        };
        if keyword == Keyword::Nil {
            // The one reserved word that is a value.
            let pipe = self.pipeline("command", TokenKind::RightDelimiter)?;
            body.push(Node::Action(pipe));
            return Ok(None);
        }
        let word = self.read();
        body.push(match keyword {
            Keyword::If => Node::If(self.scoped(|parser| parser.branches("if", Keyword::If))?),
            Keyword::With => Node::With(self.scoped(|parser| parser.branches("with", Keyword::With))?),
            Keyword::Range => Node::Range(self.scoped(Parser::range)?),
            Keyword::Template => Node::Template(self.invocation(word)?),
            Keyword::Block => Node::Template(self.block()?),
            Keyword::Break => self.leave_loop(Node::Break, "{{break}}")?,
            Keyword::Continue => self.leave_loop(Node::Continue, "{{continue}}")?,
            Keyword::End => {
                self.right_delimiter("end")?;
                return Ok(Some(Ending::End));
            }
            Keyword::Else => {
                let next = self.peek_word().kind;
                if !matches!(next, TokenKind::Keyword(Keyword::If | Keyword::With)) {
                    self.right_delimiter("else")?;
                }
                return Ok(Some(Ending::Else));
            }
            Keyword::Define | Keyword::Nil => return Err(self.unexpected("command")),
        });
        Ok(None)
    }

    /// Variables declared within are gone afterwards.
    fn scoped<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, ParseMistake>) -> Result<T, ParseMistake> {
        let outer = self.scope.mark();
        let result = part(self);
        self.scope.back_to(outer);
        result
    }

    fn branches(&mut self, context: &'static str, keyword: Keyword) -> Result<Branches, ParseMistake> {
        let mut arms = Vec::new();
        loop {
            let pipe = self.pipeline(context, TokenKind::RightDelimiter)?;
            let (body, ending) = self.body()?;
            arms.push((pipe, body));
            if ending == Ending::End {
                return Ok(Branches { arms, otherwise: None });
            }
            if self.peek().kind == TokenKind::Keyword(keyword) {
                self.next += 1;
                continue;
            }
            let otherwise = self.last_branch()?;
            return Ok(Branches {
                arms,
                otherwise: Some(otherwise),
            });
        }
    }

    /// What stands between the last `{{else}}` and `{{end}}`.
    fn last_branch(&mut self) -> Result<Body, ParseMistake> {
        if matches!(self.peek().kind, TokenKind::Keyword(_)) {
            // `else if` in a `with`, and the like.
            self.next += 1;
            return Err(self.unexpected("else"));
        }
        self.body_to_end("else")
    }

    fn range(&mut self) -> Result<Loop, ParseMistake> {
        let pipe = self.pipeline("range", TokenKind::RightDelimiter)?;
        self.loops += 1;
        let (body, ending) = self.body()?;
        self.loops -= 1;
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else => Some(self.last_branch()?),
        };
        Ok(Loop { pipe, body, otherwise })
    }

    fn leave_loop(&mut self, node: Node, context: &'static str) -> Result<Node, ParseMistake> {
        self.right_delimiter(context)?;
        if self.loops == 0 {
            Err(ParseMistake::OutsideRange)
        } else {
            Ok(node)
        }
    }

    fn template_name(&mut self, context: &'static str) -> Result<Vec<u8>, ParseMistake> {
        let token = self.read_word();
        match token.kind {
            TokenKind::String(quote) => self.string(token, quote),
            _ => Err(self.unexpected(context)),
        }
    }

    pub(super) fn string(&self, token: Token, quote: Quote) -> Result<Vec<u8>, ParseMistake> {
        match quote {
            Quote::Double => literal::quoted(self.text_of(token)),
            Quote::Raw => Ok(literal::raw(self.text_of(token))),
        }
    }

    fn invocation(&mut self, word: Token) -> Result<Invocation, ParseMistake> {
        let name = self.template_name("template clause")?;
        let pipe = match self.peek_word().kind {
            TokenKind::RightDelimiter => {
                self.next += 1;
                None
            }
            _ => Some(self.pipeline("template clause", TokenKind::RightDelimiter)?),
        };
        Ok(Invocation {
            at: word.start,
            name,
            pipe,
        })
    }

    /// A definition, and its use at once.
    fn block(&mut self) -> Result<Invocation, ParseMistake> {
        let at = self.peek_word().start;
        let name = self.template_name("block clause")?;
        let pipe: Pipe = self.pipeline("block clause", TokenKind::RightDelimiter)?;
        self.body_of_template(name.clone(), "block clause")?;
        Ok(Invocation {
            at,
            name,
            pipe: Some(pipe),
        })
    }

    /// `{{define "name"}}…{{end}}`, from its left delimiter on.
    pub(super) fn definition(&mut self) -> Result<(), ParseMistake> {
        self.read();
        self.read_word();
        let name = self.template_name("define clause")?;
        self.right_delimiter("define clause")?;
        self.body_of_template(name, "define clause")
    }

    /// The body of a template of its own: it sees no variables and no loop from outside.
    fn body_of_template(&mut self, name: Vec<u8>, context: &'static str) -> Result<(), ParseMistake> {
        let scope = std::mem::take(&mut self.scope);
        let loops = std::mem::take(&mut self.loops);
        let body = self.body_to_end(context);
        self.scope = scope;
        self.loops = loops;
        self.add(name, body?)
    }
}
