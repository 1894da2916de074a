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

fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        // As it is typed: with a space.
        let name = format!("{} {}", command.get_name(), subcommand.get_name());
        let man = Man::new(subcommand.clone().display_name(name));
        man.render_name_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_options_section(page)?;
    }
    man.render_extra_section(page)?;
    man.render_version_section(page)
}
