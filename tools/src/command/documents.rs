//! `sealog completions` and `sealog man`: made from the command line's own words.

use super::print;
use crate::cli::{Cli, Completions};
use crate::failure::{Failure, Outcome};
use clap::CommandFactory;
use clap_mangen::Man;
use std::io;

pub fn completions(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sealog", &mut script);
    print(&script)
}

/// One page for the command, with a name, a synopsis and options for each subcommand: they have no pages of their own,
/// so none is referred to.
pub fn manual() -> Outcome {
    let mut page = Vec::new();
    render(&mut page).map_err(|error| Failure::output(&error))?;
    print(&page)
}

/// Subcommands with their names, and those below them.
fn all<'c>(name: &str, command: &'c clap::Command) -> Vec<(String, &'c clap::Command)> {
    let own = command.get_subcommands().filter(|own| !own.is_hide_set() && own.get_name() != "help");
    own.flat_map(|own| {
        let name = format!("{name} {}", own.get_name());
        let below = all(&name, own);
        std::iter::once((name, own)).chain(below)
    })
    .collect()
}

fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    for (name, subcommand) in all(command.get_name(), &command) {
        // As it is typed: with spaces.
        let man = Man::new(subcommand.clone().display_name(name));
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_options_section(page)?;
    }
    man.render_extra_section(page)?;
    man.render_version_section(page)
}
